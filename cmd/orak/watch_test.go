package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

// watched runs orak watch until it has printed what the fake API sends last.
func watched(t *testing.T, w *wire, args ...string) outcome {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out, err printed
	out.interrupt, err.interrupt = interrupt, interrupt
	code := run(ctx, append([]string{"watch"}, args...), []string{"COLUMNS=80", "LANG=C.UTF-8", "ORAK_SERVER=" + w.URL}, strings.NewReader(""), &out, &err)
	return outcome{code, out.String(), err.String()}
}

// printed interrupts once the loss of events is printed, by people's text or by JSON.
type printed struct {
	bytes.Buffer
	interrupt func()
}

// Write implements io.Writer.
func (p *printed) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte("events were lost")) || bytes.Contains(text, []byte(`"reset"`)) {
		defer p.interrupt()
	}
	return p.Buffer.Write(text)
}

func TestWatchPrintsALineForEveryChange(t *testing.T) {
	t.Parallel()
	done := upload(orak.StatusCompleted)
	done.Filename, done.UpdatedAt = "take\x1b[31m 1.m4a", time.Date(2026, 11, 22, 11, 58, 3, 0, time.Local)
	w := newWire(t, done, deadLettered())
	got := watched(t, w)
	require.Equal(t, exitInterrupted, got.code, got.err)
	lines := strings.Split(got.out, "\n")
	require.Len(t, lines, 3)
	require.True(t, strings.HasPrefix(lines[0], "11:58:03  "+testID+"  completed      take"), lines[0])
	require.NotContains(t, got.out, "\x1b")
	require.Contains(t, lines[1], "dead-lettered")
	require.Contains(t, got.err, "events were lost")
	require.Contains(t, got.err, "Stopped watching. Go on where it stopped with:\n  orak watch --after reset-1\n")
	require.NotContains(t, got.err, "does not answer")
}

func TestWatchPrintsJSON(t *testing.T) {
	t.Parallel()
	w := newWire(t, deadLettered())
	got := watched(t, w, "--json", "--after", "begin")
	require.Empty(t, got.err)
	var lines []followed
	for line := range strings.Lines(got.out) {
		var f followed
		require.NoError(t, json.Unmarshal([]byte(line), &f))
		lines = append(lines, f)
	}
	u := deadLettered()
	require.Equal(t, []followed{{Event: "upload", EventID: "begin-1", Upload: &u}, {Event: "reset", EventID: "reset-1"}}, lines)
}

func TestWatchRefusesAnImpossibleEvent(t *testing.T) {
	t.Parallel()
	got := orakRun(t.Context(), newWire(t).URL, "watch", "--after", "a\nb")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "--after: this is no id of an event")
}
