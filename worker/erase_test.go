package worker_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
	"orak/workflows"
)

// quick makes an erasure look for late objects soon.
func (r *rig) quick() {
	r.cfg.Settings.ConvertTimeout, r.cfg.Settings.AnalyzeTimeout, r.cfg.Settings.PublishTimeout = 3*time.Second, 3*time.Second, 3*time.Second
}

// erase starts an erasure as the bridge does.
func (r *rig) erase(u orak.Upload) client.WorkflowRun {
	r.t.Helper()
	run, err := r.client.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{
		ID: workflows.EraseWorkflowID(u.ID), TaskQueue: workflows.QueuePipeline,
	}, workflows.TypeEraseUpload, workflows.EraseUploadInput{
		ID: u.ID, Tenant: u.Tenant, RequestedAt: time.Now().UTC(), By: "ada", Reason: "asked by the singer",
	})
	require.NoError(r.t, err)
	return run
}

// erased waits for the end of an erasure.
func (r *rig) erased(run client.WorkflowRun) orak.Tombstone {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var stone orak.Tombstone
	require.NoError(r.t, run.Get(ctx, &stone))
	return stone
}

func (r *rig) keys() []string {
	r.t.Helper()
	var keys []string
	for key, err := range r.store.Keys(r.t.Context(), "") {
		require.NoError(r.t, err)
		keys = append(keys, key)
	}
	return keys
}

// requireGone checks that an erased upload has no objects, that its erasure was
// announced once, and that another announcement does not restore it.
func (r *rig) requireGone(u orak.Upload) {
	r.t.Helper()
	for _, key := range r.keys() {
		require.False(r.t, strings.Contains(key, string(u.ID)) && key != orak.ErasedKey(u.Tenant, u.ID), key)
	}
	stone := get[orak.Tombstone](r, orak.ErasedKey(u.Tenant, u.ID))
	require.Equal(r.t, u.ID, stone.ID)
	require.False(r.t, stone.ErasedAt.Before(stone.RequestedAt))
	require.Equal(r.t, 1, r.erasedEvents(u))
	_, err := r.client.ExecuteWorkflow(r.t.Context(), workflows.StartOptions(workflows.ProcessUploadInput{Upload: u}), workflows.TypeProcessUpload, workflows.ProcessUploadInput{Upload: u})
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	require.ErrorAs(r.t, err, &exists)
}

// erasedEvents counts the erased events of u up to a marker that is published behind
// them.
func (r *rig) erasedEvents(u orak.Upload) int {
	r.t.Helper()
	mark := &kgo.Record{Topic: events.TopicLifecycle, Key: []byte(u.ID), Value: []byte(time.Now().String())}
	require.NoError(r.t, r.producer.Publish(r.t.Context(), mark))
	n := 0
	r.consume(events.TopicLifecycle, func(rec *kgo.Record) bool {
		if string(rec.Value) == string(mark.Value) {
			return true
		}
		if e, err := events.FromRecord(rec); err == nil && e.Subject == u.ID && e.Type == events.Erased {
			l, err := e.Lifecycle()
			require.NoError(r.t, err)
			require.Equal(r.t, orak.BareUpload(u.Tenant, u.ID), l.Upload)
			require.Equal(r.t, "ada", l.By)
			n++
		}
		return false
	})
	return n
}

func TestCompletedUploadIsErased(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.quick()
	r.start()
	u, other := r.upload([]byte("sound")), r.upload([]byte("other sound"))
	require.NoError(t, r.closed(u))
	require.NoError(t, r.closed(other))
	run := r.erase(u)
	stone := r.erased(run)
	require.False(t, stone.ErasedAt.IsZero())
	r.requireGone(u)
	require.Equal(t, []events.Type{events.Converted, events.Analyzed, events.Completed, events.Erased}, types(r.lifecycle(u, events.Erased)))
	require.Contains(t, r.keys(), orak.OriginalKey(other.Tenant, other.ID))
	require.Contains(t, r.keys(), orak.AnalysisKey(other.Tenant, other.ID))

	d, err := r.client.DescribeWorkflow(t.Context(), run.GetID(), "")
	require.NoError(t, err)
	status, _ := d.TypedSearchAttributes.GetKeyword(workflows.AttrStatus)
	require.Equal(t, string(orak.StatusErased), status)
	r.record("erased", run.GetID())

	// Once more: nothing is announced.
	again := r.erase(u)
	require.Equal(t, stone, r.erased(again))
	r.requireGone(u)
	r.record("erased_again", again.GetID())
}

func TestRunningUploadIsErasedOnceItHasEnded(t *testing.T) {
	t.Parallel()
	for _, stage := range []orak.Stage{orak.StageConvert, orak.StageAnalyze} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			began := make(chan struct{})
			step := func(ctx context.Context) error {
				close(began)
				<-ctx.Done()
				return ctx.Err()
			}
			if stage == orak.StageAnalyze {
				r.deps.Analyzer = analyze(step)
			} else {
				r.deps.Converter = converting(func(ctx context.Context, _, _ string, _ func(float64)) (orak.Audio, error) {
					return orak.Audio{}, step(ctx)
				})
			}
			r.start()
			u := r.upload([]byte("sound"))
			<-began
			r.erase(u)
			r.awaitStone(u)
			r.requireGone(u)
			require.Equal(t, orak.StatusCanceled, r.progress(u).Status)
		})
	}
}

// awaitStone waits until all objects are removed, before the last look for late
// ones.
func (r *rig) awaitStone(u orak.Upload) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		body, _, err := r.store.Open(r.t.Context(), orak.ErasedKey(u.Tenant, u.ID))
		if err != nil {
			require.ErrorIs(r.t, err, fs.ErrNotExist)
			return false
		}
		body.Close()
		return !get[orak.Tombstone](r, orak.ErasedKey(u.Tenant, u.ID)).ErasedAt.IsZero()
	}, patience, tick, "waiting for the tombstone")
}

func TestParkedUploadIsErased(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	r.erase(u)
	r.awaitStone(u)
	r.requireGone(u)
}

// The last resort: a step that ignores its cancellation.
func TestUploadThatDoesNotEndIsTerminatedAndErased(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Settings.ErasePatience = 3 * time.Second
	r.cfg.Settings.HeartbeatTimeout = 10 * time.Second // a late heartbeat would end the step before
	began, release := make(chan struct{}), make(chan struct{})
	var step context.Context
	r.deps.Analyzer = analyze(func(ctx context.Context) error {
		step = ctx
		close(began)
		<-release
		return nil
	})
	r.start()
	u := r.upload([]byte("sound"))
	<-began
	r.erase(u)
	undone := func() int64 {
		n, err := r.client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: r.deps.Namespace,
			// As in the runbook.
			Query: "WorkflowType = 'EraseUpload' AND ExecutionStatus = 'Running' AND OrakStatus IS NULL",
		})
		require.NoError(t, err)
		return n.GetCount()
	}
	require.Eventually(t, func() bool { return undone() == 1 }, patience, tick)
	r.awaitStone(u)
	require.Eventually(t, func() bool { return undone() == 0 }, patience, tick)
	<-step.Done() // what it writes before, a later look removes
	close(release)
	var terminated *sdktemporal.TerminatedError
	require.ErrorAs(t, r.closed(u), &terminated)
	r.requireGone(u)
}

// An upload that was never announced has a marker and a recording, and its
// announcement may still come.
func TestUploadThatWasNeverStartedIsErased(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.put([]byte("sound"))
	require.NoError(t, r.store.Put(t.Context(), orak.PendingKey(u.Tenant, u.ID), strings.NewReader("{}"), 2, "application/json"))
	r.erase(u)
	r.awaitStone(u)
	r.requireGone(u)
	require.Equal(t, orak.StatusErased, r.progress(u).Status)
	d, err := r.client.DescribeWorkflowExecution(t.Context(), workflows.UploadWorkflowID(u.ID), "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, d.GetWorkflowExecutionInfo().GetStatus())
}

// A worker that has lost the server continues to write.
func TestErasureRemovesObjectsThatAppearLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.quick()
	r.start()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
	run := r.erase(u)
	r.awaitStone(u)
	require.NoError(t, r.store.Put(t.Context(), orak.AudioKey(u.Tenant, u.ID), strings.NewReader("late"), 4, "audio/wav"))
	r.erased(run)
	r.requireGone(u)
}

func TestErasureRefusesAnotherTenantsUpload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
	before := r.keys()
	thief := u
	thief.Tenant = "thief"
	var app *sdktemporal.ApplicationError
	require.ErrorAs(t, r.erase(thief).Get(t.Context(), nil), &app)
	require.True(t, app.NonRetryable())
	require.ElementsMatch(t, append(before, orak.ErasedKey("thief", u.ID)), r.keys())
	require.False(t, slices.Contains(r.keys(), orak.ErasedKey(u.Tenant, u.ID)))
}

// flaky is a store that fails some deletes, as in an outage during an erasure.
type flaky struct {
	store
	deletes atomic.Int64
}

// Delete fails the second to the fourth time.
func (s *flaky) Delete(ctx context.Context, key string) error {
	if n := s.deletes.Add(1); n >= 2 && n <= 4 {
		return &orak.Fault{Class: orak.ClassDependency, Message: "The object store cannot be reached.", Dependency: orak.DependencyStore}
	}
	return s.store.Delete(ctx, key)
}

func TestErasureWaitsForTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	faults := &flaky{store: r.store}
	r.deps.Store = faults
	r.start()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
	r.erase(u)
	r.awaitStone(u)
	require.Greater(t, faults.deletes.Load(), int64(4))
	r.requireGone(u)
}
