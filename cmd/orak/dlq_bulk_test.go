package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

// parked are n dead letters, one a minute, the newest first, on pages of two.
// Every third is of class model.
func (w *wire) parked(n int) []resource.DeadLetter {
	var letters []resource.DeadLetter
	for i := range n {
		d := letter()
		d.ID = orak.UploadID(fmt.Sprintf("0192f1c5-7a1e-7c3a-9d5e-%012d", i))
		d.LastAt = time.Date(2026, 11, 22, 12, n-i, 0, 0, time.UTC)
		d.Failure.Class = orak.ClassTransient
		if i%3 == 2 {
			d.Failure.Class = orak.ClassModel
		}
		letters = append(letters, d)
	}
	w.pages = nil
	for i := 0; i < n; i += 2 {
		w.pages = append(w.pages, resource.DeadLetterPage{DeadLetters: letters[i:min(i+2, n)], Next: fmt.Sprint(i/2 + 1)})
	}
	return letters
}

// decided are the ids that were decided on.
func (w *wire) decided() (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, asked := range w.asked {
		if path, ok := strings.CutPrefix(asked, "POST /v1/dead-letters/"); ok {
			id, _, _ := strings.Cut(path, "/")
			ids = append(ids, id)
		}
	}
	return ids
}

func TestBulkDryRunPrintsTheNumberAndDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	letters := w.parked(7)
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", "--all", "--dry-run", "--limit", "5")
	require.Equal(t, exitOK, got.code, got.err)
	for _, want := range []string{"5 dead letters to reprocess:", "convert  transient       4", "convert  model           1", string(letters[0].ID),
		"and 1 more", "2 more are selected, beyond --limit 5.", "At 50/s it takes about 0.1 s, longer while 100 tasks or more wait."} {
		require.Contains(t, got.out, want)
	}
	require.NotContains(t, got.out, letters[6].ID)

	got = orakRun(t.Context(), w.URL, "dlq", "discard", string(letters[0].ID), otherID, "--dry-run", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	var plan bulkPlan
	require.NoError(t, json.Unmarshal([]byte(got.out), &plan))
	require.Equal(t, []int{1, 1}, []int{plan.Count, plan.Gone})
	require.Empty(t, w.decided())
}

func TestBulkCountsEveryOutcome(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	letters := w.parked(6)
	w.refuse["POST /v1/dead-letters/"+string(letters[1].ID)+"/reprocess"] = resource.Problem{Status: http.StatusConflict, Title: "Not parked"}
	w.refuse["POST /v1/dead-letters/"+string(letters[2].ID)+"/reprocess"] = resource.Problem{Status: http.StatusNotFound, Title: "Unknown"}
	for _, i := range []int{3, 4} {
		w.refuse["POST /v1/dead-letters/"+string(letters[i].ID)+"/reprocess"] = resource.Problem{Status: http.StatusBadRequest, Detail: "From: publish needs an analysis."}
	}
	args := []string{"dlq", "reprocess", "--stage", "convert", "--rate", "0", "--from", "publish", "--timeout", "2h", "--engine", "builtin", "--by", "ada", "--yes"}
	got := orakRun(t.Context(), w.URL, args...)
	require.Equal(t, exitFailed, got.code)
	for _, want := range []string{"✓ 2 run again.", "  2 had been decided or had expired in the meantime.", "✗ 2 refused: From: publish needs an analysis."} {
		require.Contains(t, got.out, want)
	}
	require.Contains(t, got.err, "2 dead letters not decided")
	require.NotContains(t, got.err, "Continue with")
	require.Contains(t, w.asked[len(w.asked)-1], `{"from":"publish","reason":"from the command line","by":"ada","options":{"engine":"builtin","timeout":"2h"}}`)

	got = orakRun(t.Context(), w.URL, append(args, "--json")...)
	require.Equal(t, exitFailed, got.code)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 8, "plan, six decisions, result")
	var result bulkResult
	require.NoError(t, json.Unmarshal([]byte(lines[7]), &result))
	require.Equal(t, bulkResult{Phase: "result", Decision: "reprocess", Done: 2, Gone: 2, Refused: map[string]int{"From: publish needs an analysis.": 2}}, result)
}

func TestBulkBeyondItsLimitPrintsTheCommandToContinue(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusDiscarded))
	letters := w.parked(5)
	got := orakRun(t.Context(), w.URL, "dlq", "discard", "--text", "it's", "--limit", "2", "--rate", "0", "--yes")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, []string{string(letters[0].ID), string(letters[1].ID)}, w.decided())
	require.Contains(t, got.out, "✓ 2 are discarded.")
	require.Contains(t, got.err, "3 more are selected. Continue with:\n  orak dlq discard --text 'it'\\''s' --before 2026-11-22T12:05:00.000000001Z --limit 2 --rate 0 --yes\n")
}

func TestInterruptedBulkPrintsTheCommandToContinue(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	letters := w.parked(6)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	w.onDecision = func(n int) {
		if n == 3 {
			interrupt()
		}
	}
	got := orakRun(ctx, w.URL, "dlq", "reprocess", "--class", "transient,model", "--older-than", "1m", "--yes", "--rate", "0", "--reason", "disk replaced")
	require.Equal(t, exitInterrupted, got.code)
	require.NotEmpty(t, w.decided())
	require.Less(t, len(w.decided()), len(letters))
	_, command, found := strings.Cut(got.err, "Continue with:\n  orak ")
	require.True(t, found, got.err)
	for _, want := range []string{"dlq reprocess --class 'transient,model' --older-than 20", " --before 2026-11-22T12:06:00.000000001Z", "--rate 0", "--reason 'disk replaced'", "--yes"} {
		require.Contains(t, command, want)
	}
}

func TestBulkStopsWhileTheServerFails(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, d := range w.parked(8) {
		w.refuse["POST /v1/dead-letters/"+string(d.ID)+"/reprocess"] = resource.Problem{Status: http.StatusServiceUnavailable, Title: "No worker"}
	}
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", "--all", "--rate", "0", "--yes")
	require.Equal(t, exitFailed, got.code)
	require.Len(t, w.decided(), maxFailures)
	require.Contains(t, got.out, "4 got no answer in time: the decision may have been carried out.")
	require.Contains(t, got.err, "Stopped with 4 left. Continue with:\n  orak dlq reprocess --before ")
	require.Contains(t, got.err, "No worker (503)")
}

func TestInterruptedDecisionsPrintTheRemainingIDs(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	letters := w.parked(4)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	w.onDecision = func(n int) {
		if n == 2 {
			interrupt()
		}
	}
	args := []string{"dlq", "reprocess", "--rate", "0", "--from", "convert"}
	for _, d := range letters {
		args = append(args, string(d.ID))
	}
	got := orakRun(ctx, w.URL, args...)
	require.Equal(t, exitInterrupted, got.code)
	_, rest, found := strings.Cut(got.err, "Stopped. Continue with the rest:\n  orak dlq reprocess ")
	require.True(t, found, got.err)
	require.NotContains(t, rest, letters[0].ID)
	require.Contains(t, rest, string(letters[2].ID)+" "+string(letters[3].ID)+" --from convert --rate 0\n")
}
