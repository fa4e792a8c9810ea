package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/workflows"
)

// waitingIn returns queues with that many tasks in the GPU's, and one other each.
func waitingIn(gpu int64) resource.Queues {
	return resource.Queues{Queues: []resource.Queue{
		{Name: workflows.QueueGPU, Tasks: "activity", Backlog: gpu},
		{Name: workflows.QueueGPU, Tasks: "workflow", Backlog: 1000},
		{Name: workflows.QueuePipeline, Tasks: "activity", Backlog: 1000},
	}}
}

// braking returns a brake that sees one answer after another, and what it waited for.
func braking(bound int64, answers ...func() (resource.Queues, error)) (b *brake, looks *int, waits *[]backlog) {
	looks, waits = new(int), new([]backlog)
	return &brake{
		bound: bound,
		look: func(context.Context) (resource.Queues, error) {
			answer := answers[min(*looks, len(answers)-1)]
			*looks++
			return answer()
		},
		waiting: func(of []backlog) error { *waits = append(*waits, of...); return nil },
	}, looks, waits
}

func backlogOf(n int64) func() (resource.Queues, error) {
	return func() (resource.Queues, error) { return waitingIn(n), nil }
}

func failing(status int) func() (resource.Queues, error) {
	return func() (resource.Queues, error) {
		return resource.Queues{}, &client.Error{Problem: resource.Problem{Status: status, Title: "No"}}
	}
}

func TestBrakeLetsGoWhatIsBelowTheBound(t *testing.T) {
	t.Parallel()
	b, looks, waits := braking(100, backlogOf(60), backlogOf(412), backlogOf(100), backlogOf(98))
	for range 40 {
		require.NoError(t, b.wait(t.Context()))
	}
	require.Equal(t, 1, *looks, "40 more may follow, and then it looks again")
	require.NoError(t, b.wait(t.Context()))
	require.Equal(t, 4, *looks)
	require.Equal(t, []backlog{{workflows.QueueGPU, 412}, {workflows.QueueGPU, 100}}, *waits)
	require.NoError(t, b.wait(t.Context()))
	require.Equal(t, 4, *looks)
	require.NoError(t, b.wait(t.Context()))
	require.Equal(t, 5, *looks)
}

func TestBrakeWithoutABoundDoesNotLook(t *testing.T) {
	t.Parallel()
	b, looks, _ := braking(0, backlogOf(412))
	for range 3 {
		require.NoError(t, b.wait(t.Context()))
	}
	require.Zero(t, *looks)
}

// A server of before has no such route; one that fails for long ends the bulk.
func TestBrakeOfAServerThatCannotDescribeItsQueues(t *testing.T) {
	t.Parallel()
	b, looks, _ := braking(100, failing(http.StatusNotFound))
	for range 3 {
		require.NoError(t, b.wait(t.Context()))
	}
	require.Equal(t, 1, *looks)

	b, looks, _ = braking(100, failing(http.StatusServiceUnavailable))
	require.ErrorIs(t, b.wait(t.Context()), errBlind)
	require.Equal(t, maxFailures, *looks)

	blind := func() (resource.Queues, error) {
		q := waitingIn(0)
		q.Queues[0].Unavailable = true
		return q, nil
	}
	b, _, _ = braking(100, blind, failing(http.StatusServiceUnavailable), backlogOf(1))
	require.NoError(t, b.wait(t.Context()))
	b, _, _ = braking(100, failing(http.StatusForbidden))
	require.ErrorIs(t, b.wait(t.Context()), errBlind)
}

func TestBrakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	b, looks, _ := braking(100, backlogOf(412))
	b.every = time.Hour
	over := errors.New("over")
	b.waiting = func([]backlog) error { cancel(over); return nil }
	require.ErrorIs(t, b.wait(ctx), over)
	require.Equal(t, 1, *looks)
}

func TestBulkWaitsForTheQueues(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	w.parked(4)
	w.queues = []resource.Queues{waitingIn(412), waitingIn(3)}
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", "--all", "--yes")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.err, "Waiting: 412 in orak-gpu.")
	require.Len(t, w.decided(), 4)

	w = newWire(t, upload(orak.StatusConverting))
	w.parked(4)
	w.queues = []resource.Queues{waitingIn(412)}
	got = orakRun(t.Context(), w.URL, "dlq", "reprocess", "--all", "--yes", "--backlog", "0")
	require.Equal(t, exitOK, got.code, got.err)
	require.NotContains(t, got.err, "Waiting")
	got = orakRun(t.Context(), w.URL, "dlq", "discard", "--all", "--yes")
	require.NotContains(t, got.err, "Waiting", "nothing of it waits in a queue")
}
