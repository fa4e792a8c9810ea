package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/test/stack"
)

// parking is a service whose ffmpeg can be made to crash and to work again, like
// a fault of the machine.
type parking struct {
	*app
	// broken is the file that makes ffmpeg crash while it exists.
	broken string
	alerts chan string
}

// personal is in the description of every upload, and must not get into a log or an
// alert.
const personal = "zq7-personal"

func startParking(t *testing.T) *parking {
	t.Helper()
	dir := t.TempDir()
	p := &parking{broken: filepath.Join(dir, "broken"), alerts: make(chan string, 100)}
	ffmpeg := filepath.Join(dir, "ffmpeg")
	installed, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	script := "#!/bin/sh\n[ -e '" + p.broken + "' ] && kill -9 $$\nexec '" + installed + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(ffmpeg, []byte(script), 0o700))
	webhook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.alerts <- message.Text
	}))
	t.Cleanup(webhook.Close)
	// The fence would forbid the script to read the file.
	p.app = startApp(t, "ORAK_MEDIA_FFMPEG="+ffmpeg, "ORAK_MEDIA_FENCE=false", "ORAK_ALERT_WEBHOOK_URL="+webhook.URL+"/hooks/secret-token",
		"ORAK_ALERT_GROUP_WAIT=1s", "ORAK_ALERT_GROUP_INTERVAL=2s", "ORAK_RETRY_DELAY=50ms", "ORAK_LOG_LEVEL=debug")
	p.app.query = url.Values{"owner": {personal}, "metadata": {`{"note":"` + personal + `"}`}}.Encode()
	return p
}

// park uploads a recording while ffmpeg crashes, and lets ffmpeg work again once
// the upload is dead-lettered.
func (p *parking) park(t *testing.T) orak.UploadID {
	t.Helper()
	require.NoError(t, os.WriteFile(p.broken, nil, 0o600))
	id := p.upload(t, tuneFile(t)).ID
	u := p.awaitEnd(t, id)
	require.Equal(t, orak.StatusDeadLettered, u.Status)
	require.Equal(t, orak.StageConvert, u.Failure.Stage)
	require.Equal(t, orak.ClassTransient, u.Failure.Class)
	require.NotContains(t, u.Failure.Message, "/", "the owner must see no paths")
	require.NoError(t, os.Remove(p.broken))
	return id
}

func (p *parking) completes(t *testing.T, id orak.UploadID) {
	t.Helper()
	u := p.await(t, id, func(s orak.Status) bool { return s == orak.StatusCompleted })
	require.Nil(t, u.Failure)
}

// TestParkedUploadsAreDecidedWithEveryTool decides on dead letters of one
// service with each of the operator's tools.
func TestParkedUploadsAreDecidedWithEveryTool(t *testing.T) {
	t.Parallel()
	p := startParking(t)
	bin := stack.OperatorTools(t)

	t.Run("temporal workflow signal", func(t *testing.T) {
		id := p.park(t)
		run(t, filepath.Join(bin, "temporal"), "workflow", "signal", "--address", p.Temporal,
			"--workflow-id", "upload-"+string(id), "--name", "reprocess")
		p.completes(t, id)
	})
	t.Run("tctl workflow signal", func(t *testing.T) {
		id := p.park(t)
		run(t, filepath.Join(bin, "tctl"), "--address", p.Temporal, "--namespace", "default", "workflow", "signal",
			"--workflow_id", "upload-"+string(id), "--name", "reprocess")
		p.completes(t, id)
	})
	t.Run("orak dlq", func(t *testing.T) {
		id := p.park(t)
		letter := p.deadLetter(t, id)
		require.Equal(t, "upload-"+string(id), letter.WorkflowID)
		require.Equal(t, string(id), string(letter.Origin.Key))
		require.NotEmpty(t, letter.Origin.Value)
		require.Contains(t, letter.WebUI, "upload-"+string(id))

		require.Contains(t, p.orak(t, "dlq", "list"), string(id))
		var page resource.DeadLetterPage
		require.NoError(t, json.Unmarshal([]byte(p.orak(t, "dlq", "list", "--json")), &page))
		require.NotEmpty(t, page.DeadLetters)
		require.Contains(t, p.orak(t, "dlq", "show", string(id)), "convert")
		p.orak(t, "dlq", "reprocess", string(id), "--reason", "ffmpeg is back")
		p.completes(t, id)
	})
	t.Run("discard", func(t *testing.T) {
		id := p.park(t)
		p.orak(t, "dlq", "discard", string(id), "--reason", "not wanted")
		p.await(t, id, func(s orak.Status) bool { return s == orak.StatusDiscarded })
		status, problem := p.post(t, "/v1/dead-letters/"+string(id)+"/reprocess", `{"by":"me","reason":"too late"}`)
		require.Equal(t, http.StatusConflict, status, problem)
	})
	t.Run("orak audit names who decided, with any tool", func(t *testing.T) {
		var acts []string
		require.Eventually(t, func() bool {
			var page resource.ActPage
			require.NoError(t, json.Unmarshal([]byte(p.orak(t, "audit", "--json", "--act", "dead-letter")), &page))
			acts = nil
			for _, a := range page.Acts {
				acts = append(acts, a.Act+" "+a.Detail)
				require.NotEmpty(t, a.By)
			}
			return len(acts) == 4
		}, time.Minute, 100*time.Millisecond)
		require.Equal(t, []string{"dead-letter.discard not wanted", "dead-letter.reprocess ffmpeg is back", "dead-letter.reprocess ", "dead-letter.reprocess "}, acts)
	})
	t.Run("the alert says what to do, and nothing private", func(t *testing.T) {
		alert := <-p.alerts
		require.Contains(t, alert, "convert")
		require.Contains(t, alert, "--name reprocess")
		for _, private := range []string{"secret-token", personal} {
			require.NotContains(t, alert, private)
			require.NotContains(t, p.Output(), private)
			for _, path := range p.Logs {
				log, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NotContains(t, string(log), private, path)
			}
		}
	})
	t.Run("upload --watch", func(t *testing.T) {
		out := p.orak(t, "upload", tuneFile(t), "--watch")
		for _, want := range []string{"Vocal range", "Median pitch", "Key", "Tempo", "Loudness", "Voiced"} {
			require.Contains(t, out, want)
		}
	})
}

func (a *app) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	resp, err := a.client.Post(a.API+path, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

// orak runs the command-line program against the service.
func (p *parking) orak(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, stack.Orak(t), append(args, "--server", p.API)...)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %s\n%s%s", name, strings.Join(args, " "), out, &stderr)
	return string(out)
}
