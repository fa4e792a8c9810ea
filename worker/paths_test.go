package worker_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	sdktemporal "go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
	"orak/workflows"
)

var inputFault = &orak.Fault{Class: orak.ClassInput, Message: "This is not audio."}

// first makes only the first run fail.
func first(f *orak.Fault) func(int) error {
	return func(n int) error {
		if n == 1 {
			return f
		}
		return nil
	}
}

func get[T any](r *rig, key string) T {
	r.t.Helper()
	body, _, err := r.store.Open(r.t.Context(), key)
	require.NoError(r.t, err)
	defer body.Close()
	var v T
	require.NoError(r.t, json.NewDecoder(body).Decode(&v))
	return v
}

func TestUploadIsCompletedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
	p := r.progress(u)
	require.Equal(t, orak.StatusCompleted, p.Status)

	es := r.lifecycle(u, events.Completed)
	require.Equal(t, []events.Type{events.Converted, events.Analyzed, events.Completed}, types(es))
	l, err := es[2].Lifecycle()
	require.NoError(t, err)
	require.Equal(t, "pcm", l.Analysis.Audio.Codec)
	require.Equal(t, "pcm", get[orak.Analysis](r, orak.AnalysisKey(u.Tenant, u.ID)).Audio.Codec)
	require.Equal(t, orak.StatusCompleted, get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID)).Status)
	require.InDelta(t, 0.01, get[orak.PitchCurve](r, orak.PitchKey(u.Tenant, u.ID)).HopS, 0)
	require.Empty(t, scratch(t, r), "the scratch folder is gone")
	r.record("completed_brief", workflows.UploadWorkflowID(u.ID))
}

func scratch(t *testing.T, r *rig) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(r.cfg.ScratchDir, "*"))
	require.NoError(t, err)
	return left
}

func TestTransientFailureIsRetried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(first(&orak.Fault{Class: orak.ClassTransient, Message: "Again."}))
	r.start()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
	r.record("retried_brief", workflows.UploadWorkflowID(u.ID))
}

func TestSignalWithoutInputReprocessesADeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(first(inputFault))
	r.start()
	u := r.upload([]byte("sound"))
	p := r.await(u, orak.StatusDeadLettered)
	require.Equal(t, orak.ClassInput, p.Failure.Class)
	require.Equal(t, 1, p.Failure.Attempts)

	var letter events.DeadLetter
	r.consume(events.TopicDeadLetters, func(rec *kgo.Record) bool {
		if string(rec.Key) != string(u.ID) {
			return false
		}
		var err error
		letter, err = events.DeadLetterFrom(rec)
		require.NoError(t, err)
		return true
	})
	require.Equal(t, "This is not audio.", letter.Failure.Message)
	require.Equal(t, workflows.UploadWorkflowID(u.ID), letter.WorkflowID)
	require.Contains(t, letter.WebUI, letter.RunID)
	require.Equal(t, "{}", string(letter.Origin.Value))

	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Equal(t, 1, r.progress(u).Cycle)
	require.Equal(t, []events.Type{events.DeadLettered, events.Reprocessed, events.Converted, events.Analyzed, events.Completed},
		types(r.lifecycle(u, events.Completed)))
	r.record("reprocessed_by_signal_brief", workflows.UploadWorkflowID(u.ID))
}

func TestUpdateReprocessesADeadLetterFromAnEarlierStage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	failed := false
	r.deps.Analyzer = analyze(func(context.Context) error {
		if !failed {
			failed = true
			return inputFault
		}
		return nil
	})
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	require.ErrorContains(t, r.update(u, workflows.SignalReprocess, workflows.Reprocess{From: "polish", By: "ada"}), "unknown stage")
	require.ErrorContains(t, r.update(u, workflows.SignalReprocess, workflows.Reprocess{From: orak.StagePublish, By: "ada"}), "needs an analysis")
	require.NoError(t, r.update(u, workflows.SignalReprocess, workflows.Reprocess{From: orak.StageConvert, By: "ada"}))
	require.NoError(t, r.closed(u))
	r.record("reprocessed_by_update_brief", workflows.UploadWorkflowID(u.ID))
}

func TestDeadLetterIsDiscarded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	r.signal(u, workflows.SignalDiscard)
	require.NoError(t, r.closed(u))
	require.Equal(t, orak.StatusDiscarded, get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID)).Status)
	r.record("discarded_brief", workflows.UploadWorkflowID(u.ID))
}

// A server suggests Continue-As-New only after thousands of events; the state of
// the next run is the same.
func TestParkedUploadContinuesAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.put([]byte("sound"))
	r.process(u, &workflows.Resume{ParkedAt: time.Now(), Progress: orak.Progress{
		Upload: u, Status: orak.StatusDeadLettered, Stage: orak.StageConvert, Cycle: 4,
		Failure: &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No."},
	}})
	r.await(u, orak.StatusDeadLettered)
	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Equal(t, 5, r.progress(u).Cycle)
	r.record("resumed_brief", workflows.UploadWorkflowID(u.ID))
}

func TestDeadLetterExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Settings.ParkFor = time.Second
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	u := r.upload([]byte("sound"))
	var app *sdktemporal.ApplicationError
	require.ErrorAs(t, r.closed(u), &app)
	require.Equal(t, string(orak.ClassInput), app.Type())
	require.Equal(t, orak.StatusExpired, get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID)).Status)
	r.record("expired_brief", workflows.UploadWorkflowID(u.ID))
}

func TestCancellationReachesTheRunningStage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began := make(chan struct{})
	r.deps.Analyzer = analyze(func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	})
	r.start()
	u := r.upload([]byte("sound"))
	<-began
	require.NoError(t, r.client.CancelWorkflow(t.Context(), workflows.UploadWorkflowID(u.ID), ""))
	var canceled *sdktemporal.CanceledError
	require.ErrorAs(t, r.closed(u), &canceled)
	require.Equal(t, orak.StatusCanceled, r.progress(u).Status)
	require.Equal(t, []events.Type{events.Converted, events.Canceled}, types(r.lifecycle(u, events.Canceled)))
	r.record("canceled_brief", workflows.UploadWorkflowID(u.ID))
}

func TestSearchAttributesFollowTheStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(first(inputFault))
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	attr := func(key sdktemporal.SearchAttributeKeyKeyword) string {
		d, err := r.client.DescribeWorkflow(t.Context(), workflows.UploadWorkflowID(u.ID), "")
		require.NoError(t, err)
		v, _ := d.TypedSearchAttributes.GetKeyword(key)
		return v
	}
	require.Equal(t, "dead_lettered", attr(workflows.AttrStatus))
	require.Equal(t, "convert", attr(workflows.AttrStage))
	require.Equal(t, "input", attr(workflows.AttrFailure))
	require.Equal(t, "choir", attr(workflows.AttrTenant))
	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Equal(t, "completed", attr(workflows.AttrStatus))
	require.Empty(t, attr(workflows.AttrStage))
	require.Empty(t, attr(workflows.AttrFailure))
}

func TestAnnouncementIsAtFaultForAnotherRecording(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.upload([]byte("sound")) // no worker runs yet
	require.NoError(t, r.store.Put(t.Context(), w.Key, strings.NewReader("noise"), 5, "audio/wav"))
	gone := r.upload([]byte("sound"))
	require.NoError(t, r.store.Delete(t.Context(), gone.Key))
	r.start()
	for _, u := range []orak.Upload{w, gone} {
		p := r.await(u, orak.StatusDeadLettered)
		require.Equal(t, orak.ClassInput, p.Failure.Class)
		_, _, err := r.store.Open(t.Context(), orak.AudioKey(u.Tenant, u.ID))
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	require.Empty(t, scratch(t, r))
}
