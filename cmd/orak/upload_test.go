package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
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

func TestUploadWatchOfADeadLetterPrintsWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting), deadLettered())
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "memo.m4a"), "-w")
	require.Equal(t, exitNoResult, got.code)
	for _, want := range []string{"convert", "input", "holds no audio", "orak dlq reprocess " + testID, "orak dlq discard " + testID} {
		require.Contains(t, got.out, want)
	}
}

func TestUploadPrintsOnlyTheAPIsJSON(t *testing.T) {
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

func TestUploadContinuesAfterARefusal(t *testing.T) {
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
	require.NotContains(t, got.err, "req-1", "the log is no help with an error of the caller")
}

func TestInterruptedWatchPrintsTheCommandToWatchAgain(t *testing.T) {
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
	require.Contains(t, got.err, "Stopped watching; the processing goes on. Watch again with:\n  orak status "+testID+" --watch\n")
}

func TestInterruptedUploadPrintsTheCommandToRepeatIt(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	got := orakRun(ctx, w.URL, "upload", recording(t, "a.m4a"))
	require.Equal(t, exitInterrupted, got.code)
	require.Contains(t, got.err, "--idempotency-key cli-")
}

func TestAnalysisThatIsNotReadyPointsToTheStatus(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["GET /v1/uploads/"+testID+"/analysis"] = resource.Problem{Status: http.StatusConflict, Title: "The analysis is not ready"}
	got := orakRun(t.Context(), w.URL, "analysis", testID)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "The analysis is not ready (409)")
	require.Contains(t, got.err, "orak status "+testID)
}
