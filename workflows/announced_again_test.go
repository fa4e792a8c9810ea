package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

// refusedInput is the input of an upload whose announcement has only its tenant and
// id.
func refusedInput() workflows.ProcessUploadInput {
	in := input()
	in.Upload = orak.BareUpload(in.Upload.Tenant, in.Upload.ID)
	in.Refused = &orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInput, Message: "The event cannot be read: data: size: missing",
		Attempts: 1, FirstAt: noon, LastAt: noon}
	return in
}

func (w *world) run(in workflows.ProcessUploadInput) (p orak.Progress) {
	w.t.Helper()
	w.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	require.NoError(w.t, w.GetWorkflowError())
	require.NoError(w.t, w.GetWorkflowResult(&p))
	return p
}

func TestRefusedAnnouncementIsDeadLettered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := refusedInput()
	w.after(time.Hour, func() {
		p := w.status()
		require.Equal(t, orak.StatusDeadLettered, p.Status)
		require.Equal(t, in.Refused, p.Failure)
		w.update(workflows.SignalReprocess, workflows.Reprocess{By: "ada"}, "the announcement of this upload cannot be used (size: want more than 0 bytes); announce the upload again, or discard it")
		w.SignalWorkflow(workflows.SignalReprocess, nil)
	})
	w.after(2*time.Hour, func() {
		require.Equal(t, orak.StatusDeadLettered, w.status().Status)
		w.update(workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"}, "")
	})
	p := w.run(in)
	require.Equal(t, orak.StatusDiscarded, p.Status)
	require.Equal(t, []string{"dead_lettered", "discarded"}, w.eventTypes())
	for _, e := range w.events {
		_, err := events.NewLifecycle(e.ID, e.Type, e.At, e.Lifecycle)
		require.NoError(t, err, "it can be published")
	}
	require.Equal(t, in.Origin, w.letters[0].Origin)
	require.Equal(t, *in.Refused, w.letters[0].Failure)
	require.Equal(t, orak.StageReceive, w.alerts[0].Stage)
	require.NotEmpty(t, w.alerts[0].WorkflowID)
	require.Equal(t, []string{workflows.AlertWorkflowID(orak.StageReceive, orak.ClassInput)}, w.unparked)
	require.Zero(t, w.runs[activities.TypeConvert])
	require.Len(t, w.outcomes, 1)
}

func TestRefusedButCompleteAnnouncementIsReprocessedFromConvert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := refusedInput()
	in.Upload = input().Upload
	w.after(time.Hour, func() { w.SignalWorkflow(workflows.SignalReprocess, nil) })
	p := w.run(in)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, in.Refused, p.First)
	require.Equal(t, []string{"dead_lettered", "reprocessed", "converted", "analyzed", "completed"}, w.eventTypes())
}

func TestValidAnnouncementReplacesARefusedOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := input()
	w.after(time.Hour, func() {
		others := workflows.Announced{Upload: good.Upload, Origin: good.Origin}
		others.Upload.Tenant, others.Upload.Key = "other", orak.OriginalKey("other", good.Upload.ID)
		w.SignalWorkflow(workflows.SignalAnnounced, others)
		w.SignalWorkflow(workflows.SignalAnnounced, workflows.Announced{Upload: refusedInput().Upload})
	})
	w.after(2*time.Hour, func() {
		require.Equal(t, orak.StatusDeadLettered, w.status().Status)
		for range 2 { // it is delivered twice
			w.SignalWorkflow(workflows.SignalAnnounced, workflows.Announced{Upload: good.Upload, Origin: good.Origin})
		}
	})
	p := w.run(refusedInput())
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, good.Upload, p.Upload)
	require.Equal(t, 1, p.Cycle)
	require.Equal(t, good.Upload, w.converts[0].Upload)
	require.Equal(t, []string{"dead_lettered", "reprocessed", "converted", "analyzed", "completed"}, w.eventTypes())
}
