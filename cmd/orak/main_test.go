package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/config"
)

func TestUploadPrintsTheID(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "voice.m4a"))
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, testID+"  voice.m4a\n", got.out)
	require.Contains(t, got.err, "voice.m4a: sending 1.2 MB\n")
	require.Contains(t, got.err, "Follow it with: orak status "+testID+" --watch\n")
}

func TestUploadWatchPrintsTheResult(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusQueued), upload(orak.StatusAnalyzing), upload(orak.StatusCompleted))
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "voice.m4a"), "--watch")
	require.Equal(t, exitOK, got.code, got.err)
	golden(t, "upload_watch", got.out)
}

func TestUploadWatchOfADeadLetterSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting), deadLettered())
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "memo.m4a"), "-w")
	require.Equal(t, exitNoResult, got.code)
	for _, want := range []string{"convert", "input", "holds no audio", "orak dlq reprocess " + testID, "orak dlq discard " + testID} {
		require.Contains(t, got.out, want)
	}
}

func TestUploadJSONIsTheAPIsShapeAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusQueued), upload(orak.StatusAnalyzing), deadLettered())
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "voice.m4a"), "--watch", "--json")
	require.Equal(t, exitNoResult, got.code)
	require.Empty(t, got.err)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 4)
	var accepted resource.Accepted
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &accepted))
	require.EqualValues(t, 1_200_000, accepted.Size)
	var last resource.Upload
	require.NoError(t, json.Unmarshal([]byte(lines[3]), &last))
	require.Equal(t, deadLettered(), last)
}

func TestUploadGoesOnAfterARefusal(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["POST /v1/uploads"] = resource.Problem{
		Status: http.StatusUnsupportedMediaType, Title: "This is not a recording", Detail: "It begins like text.",
		Accepted: []string{"audio/wav", "audio/ogg"}, Instance: "req-1",
	}
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "a.m4a"), recording(t, "b.m4a"), "--watch")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, 2, strings.Count(got.err, "orak: This is not a recording (415)\n  It begins like text.\n  Accepted: audio/wav, audio/ogg\n"))
	require.Contains(t, got.err, "a.m4a was not sent")
	require.Contains(t, got.err, "b.m4a was not sent")
	require.NotContains(t, got.err, "req-1", "the log has nothing to add to the caller's own mistake")
}

func TestRefusalsAreProblemsInJSON(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	want := resource.Problem{Type: "urn:orak:problem:not-found", Status: http.StatusNotFound, Title: "There is no such resource"}
	w.refuse["GET /v1/uploads/"+testID] = want
	got := orakRun(t.Context(), w.URL, "status", testID, "--json")
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.out)
	var problem resource.Problem
	require.NoError(t, json.Unmarshal([]byte(got.err), &problem))
	require.Equal(t, want, problem)
}

func TestServerThatIsDownIsOneClearLine(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.Close()
	for _, args := range [][]string{
		{"upload", recording(t, "a.m4a")}, {"status", testID}, {"analysis", testID},
		{"dlq", "list"}, {"dlq", "show", testID}, {"dlq", "reprocess", testID}, {"dlq", "discard", testID},
	} {
		got := orakRun(t.Context(), w.URL, args...)
		require.Equal(t, exitUnreachable, got.code, args)
		require.Contains(t, got.err, w.URL+` does not answer (connection refused). Start it with "go tool task up"`)
	}
}

func TestUsageErrorsAreFoundBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	file := recording(t, "a.m4a")
	for want, args := range map[string][]string{
		"not an upload id":     {"status", "../../etc"},
		"no such file":         {"upload", file, filepath.Join(t.TempDir(), "none.m4a")},
		"not a regular file":   {"upload", t.TempDir()},
		"is for one file":      {"upload", file, file, "--idempotency-key", "k"},
		"unexpected argument":  {"uplaod", file},
		"unknown flag --wacth": {"upload", file, "--wacth"},
		"must look like":       {"status", testID, "--server", "example.org"},
		"tenant":               {"status", testID, "--tenant", "No Tenant"},
		"must be one of":       {"dlq", "reprocess", testID, "--from", "receive"},
		"say which":            {"dlq", "reprocess"},
		"not both":             {"dlq", "discard", testID, "--class", "input"},
		"want one of receive":  {"dlq", "list", "--stage", "polish"},
		"want one of input":    {"dlq", "discard", "--class", "input,none", "--yes"},
		"--older-than":         {"dlq", "list", "--older-than", "yesterday"},
		"want 1 at least":      {"dlq", "discard", "--all", "--limit", "0", "--yes"},
		"--rate":               {"dlq", "reprocess", "--all", "--rate", "fast", "--yes"},
		"--watch is for ids":   {"dlq", "reprocess", "--all", "--watch", "--yes"},
		"nobody can be asked":  {"dlq", "discard", "--all"},
	} {
		got := orakRun(t.Context(), w.URL, args...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.err)
		require.Contains(t, got.err, want)
	}
	require.Empty(t, w.asked)
}

func TestInterruptedWatchSaysHowToLookAgain(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusQueued))
	w.hold = make(chan struct{})
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for {
			w.mu.Lock()
			last := ""
			if len(w.asked) > 0 {
				last = w.asked[len(w.asked)-1]
			}
			w.mu.Unlock()
			if strings.HasSuffix(last, "/events") {
				interrupt()
				return
			}
			if ctx.Err() != nil {
				return
			}
		}
	}()
	got := orakRun(ctx, w.URL, "upload", recording(t, "a.m4a"), "--watch")
	require.Equal(t, exitInterrupted, got.code)
	require.Contains(t, got.err, "Stopped watching; the service goes on. Look again with:\n  orak status "+testID+" --watch\n")
}

func TestInterruptedSendingSaysHowToRepeatIt(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	got := orakRun(ctx, w.URL, "upload", recording(t, "a.m4a"))
	require.Equal(t, exitInterrupted, got.code)
	require.Contains(t, got.err, "--idempotency-key cli-")
}

func TestAnalysisThatIsNotThereYetPointsToTheStatus(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["GET /v1/uploads/"+testID+"/analysis"] = resource.Problem{Status: http.StatusNotFound, Title: "The analysis is not ready"}
	got := orakRun(t.Context(), w.URL, "analysis", testID)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "The analysis is not ready (404)")
	require.Contains(t, got.err, "orak status "+testID)
}

func TestDeadLettersAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	second := letter()
	second.ID = otherID
	w.pages = []resource.DeadLetterPage{{DeadLetters: []resource.DeadLetter{letter()}, Next: "1"}, {DeadLetters: []resource.DeadLetter{second}}}

	got := orakRun(t.Context(), w.URL, "dlq", "list")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.out, testID)
	require.Contains(t, got.out, otherID)
	require.Contains(t, got.err, "2 dead letters.")

	got = orakRun(t.Context(), w.URL, "dlq", "list", "--limit", "1")
	require.NotContains(t, got.out, otherID)
	require.Contains(t, got.err, "--limit 0 lists all")

	got = orakRun(t.Context(), w.URL, "dlq", "list", "--json")
	require.Equal(t, 2, strings.Count(got.out, "\n"))

	got = orakRun(t.Context(), w.URL, "dlq", "show", otherID, "--json")
	var d resource.DeadLetter
	require.NoError(t, json.Unmarshal([]byte(got.out), &d))
	require.EqualValues(t, otherID, d.ID)
}

func TestCommandsToPasteRepeatWhatTheShellDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusQueued))
	path := filepath.Join(t.TempDir(), "orak.yaml")
	require.NoError(t, os.WriteFile(path, []byte("server: "+w.URL+"\n"), 0o600))
	want := "orak status " + testID + " --watch --server " + w.URL + "\n"
	for _, c := range []struct {
		args, env []string
		repeated  bool
	}{
		{[]string{"--server", w.URL}, nil, true},
		{[]string{"--config", path}, nil, true},
		{nil, []string{"ORAK_SERVER=" + w.URL}, false},
		{nil, []string{"ORAK_CONFIG=" + path}, false},
	} {
		got := orakRunEnv(t.Context(), append(c.env, "COLUMNS=80"), append([]string{"status", testID}, c.args...)...)
		require.Equal(t, exitOK, got.code, got.err)
		require.Equal(t, c.repeated, strings.HasSuffix(got.out, want), got.out)
	}
}

func TestNoDeadLettersIsGoodNews(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	got := orakRun(t.Context(), w.URL, "dlq", "list")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.err, "nothing waits for you")

	got = orakRun(t.Context(), w.URL, "dlq", "show", testID)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "The upload is completed, and no dead letter.")
}

func TestDecisionsCarryReasonAndAuthor(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", testID, "upload-"+otherID, "--from", "convert", "--reason", "mended", "--by", "ada")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, testID+" runs again\n"+otherID+" runs again\n", got.out)
	body := ` {"from":"convert","reason":"mended","by":"ada"}`
	require.Equal(t, []string{
		"POST /v1/dead-letters/" + testID + "/reprocess" + body,
		"POST /v1/dead-letters/" + otherID + "/reprocess" + body,
	}, w.asked)

	w.asked = nil
	got = orakRun(t.Context(), w.URL, "dlq", "discard", testID, "--reason", "a text file", "--by", "ada")
	require.Equal(t, testID+" is discarded\n", got.out)
	require.Equal(t, []string{"POST /v1/dead-letters/" + testID + `/discard {"reason":"a text file","by":"ada"}`}, w.asked)
}

func TestDecisionsGoOnAfterARefusal(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	w.refuse["POST /v1/dead-letters/"+testID+"/reprocess"] = resource.Problem{Status: http.StatusConflict, Title: "The upload is not parked"}
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", testID, otherID)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, otherID+" runs again\n", got.out)
	require.Contains(t, got.err, "The upload is not parked (409)")
}

func TestReprocessWatchPrintsTheResult(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting), upload(orak.StatusCompleted))
	d := letter()
	d.Tenant = "choir"
	w.pages = []resource.DeadLetterPage{{DeadLetters: []resource.DeadLetter{d}}}
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", testID, "--watch")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "Vocal range")
	require.Equal(t, "choir", w.tenant, "the upload is its owner's to see")
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"upload", "status", "analysis", "api", "bridge", "worker", "version",
		"dlq list", "dlq show", "dlq reprocess", "dlq discard", "config show", "config reference", "engine check",
	} {
		got := orakRun(t.Context(), defaultServer, append(strings.Fields(command), "--help")...)
		require.Equal(t, exitOK, got.code, command)
		require.Contains(t, got.out, "Examples:", command)
		require.Contains(t, got.out, "\n    ", command)
	}
	got := orakRun(t.Context(), defaultServer, "--help")
	require.Contains(t, got.out, "Exit codes: 0 done")
}

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	got := orakRun(t.Context(), defaultServer, "version")
	require.True(t, strings.HasPrefix(got.out, "orak "), got.out)
	got = orakRun(t.Context(), defaultServer, "version", "--json")
	require.True(t, json.Valid([]byte(got.out)))
}

func TestMisspeltVariableIsNotSilent(t *testing.T) {
	t.Parallel()
	got := orakRunEnv(t.Context(), []string{"ORAK_SERVR=http://x", "ORAK_DATA_DIR=x"}, "version")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.err, "ORAK_SERVR is not a setting")
	require.NotContains(t, got.err, "DATA_DIR")
}

func TestSecretsAreNotTakenAsArguments(t *testing.T) {
	t.Parallel()
	got := orakRunEnv(t.Context(), []string{}, "api", "--s3-secret-key", "hunter2")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "ORAK_S3_SECRET_KEY_FILE")
	require.NotContains(t, got.err, "hunter2")
}

func TestConfigShowIsAFileThatMeansTheSame(t *testing.T) {
	t.Parallel()
	shown := orakRunEnv(t.Context(), []string{"ORAK_S3_SECRET_KEY=hush", "ORAK_KAFKA_BROKERS=a:1,b:2"}, "config", "show", "--gpu-slots", "3")
	require.Equal(t, exitOK, shown.code, shown.err)
	require.NotContains(t, shown.out, "hush")
	require.Contains(t, shown.out, `brokers: ["a:1","b:2"]  # environment`)
	require.Contains(t, shown.out, `gpu-slots: 3  # flag`)

	path := filepath.Join(t.TempDir(), "orak.yaml")
	require.NoError(t, os.WriteFile(path, []byte(shown.out), 0o600))
	values := func(environ []string, args ...string) map[string]any {
		got := orakRunEnv(t.Context(), environ, append([]string{"config", "show", "--json"}, args...)...)
		require.Equal(t, exitOK, got.code, got.err)
		var settings []config.Setting
		require.NoError(t, json.Unmarshal([]byte(got.out), &settings))
		byName := map[string]any{}
		for _, s := range settings {
			if !s.Secret {
				byName[s.Name] = s.Value
			}
		}
		return byName
	}
	require.Equal(t, values([]string{"ORAK_KAFKA_BROKERS=a:1,b:2"}, "--gpu-slots", "3"), values([]string{}, "--config", path))
}

// The file in docs is what the code says. After a change:
// go run ./cmd/orak config reference > docs/configuration.md
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	want, err := config.Reference(new(cli))
	require.NoError(t, err)
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "run: go run ./cmd/orak config reference > docs/configuration.md")
}

func TestEverySettingSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	text, err := config.Reference(new(cli))
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		require.False(t, strings.HasSuffix(strings.TrimRight(line, "\n"), "|  |"), "no help: %s", line)
	}
}

func TestDefaultServerIsTheTagsDefault(t *testing.T) {
	t.Parallel()
	var c struct {
		Status statusCmd `cmd:""`
	}
	_, err := config.Load([]string{"status", testID}, &c, config.Options{Name: "orak", Environ: []string{}})
	require.NoError(t, err)
	require.Equal(t, defaultServer, c.Status.Server)
}
