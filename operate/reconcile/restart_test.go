package reconcile_test

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/internal/media/mediatest"
	"orak/workflows"
)

// recorded stores a real recording.
func (b *bundle) recorded() orak.Upload {
	b.t.Helper()
	recording := mediatest.WAV(16000, 1, mediatest.Tune(16000))
	u := uploadOf(recording)
	b.put(u.Key, string(recording))
	return u
}

// finals returns the events of the end of an upload, by id.
func (b *bundle) finals(u orak.Upload) map[string]events.Type {
	b.t.Helper()
	found := map[string]events.Type{}
	for _, rec := range b.records(events.TopicLifecycle) {
		if string(rec.Key) != string(u.ID) {
			continue
		}
		e, err := events.FromRecord(rec)
		require.NoError(b.t, err)
		switch e.Type {
		case events.Completed, events.Canceled, events.Discarded, events.Expired:
			if was, ok := found[e.ID]; ok {
				require.Equal(b.t, was, e.Type, e.ID)
			}
			found[e.ID] = e.Type
		}
	}
	return found
}

func (b *bundle) outcome(u orak.Upload) (p orak.Progress) {
	b.t.Helper()
	body, _, err := b.store.Get(b.ctx, orak.OutcomeKey(u.Tenant, u.ID))
	require.NoError(b.t, err)
	defer body.Close()
	text, err := io.ReadAll(body)
	require.NoError(b.t, err)
	require.NoError(b.t, json.Unmarshal(text, &p))
	return p
}

// ended checks that an upload has one end: status, outcome and one event.
func (b *bundle) ended(u orak.Upload, s orak.Status, cycle int) {
	b.t.Helper()
	b.await(u, s)
	require.Equal(b.t, s, b.outcome(u).Status)
	require.Equal(b.t, map[string]events.Type{events.EndID(u.ID, cycle): events.Type("orak.upload." + string(s))}, b.finals(u))
}

func (b *bundle) reprocess(u orak.Upload, r workflows.Reprocess) error {
	b.t.Helper()
	r.By = "a test"
	h, err := b.temporal.UpdateWorkflow(b.ctx, client.UpdateWorkflowOptions{WorkflowID: workflows.UploadWorkflowID(u.ID),
		UpdateName: workflows.SignalReprocess, Args: []any{r}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err != nil {
		return err
	}
	return h.Get(b.ctx, nil)
}

// Each stage in which an upload can be parked, restarted or not, with each stage from
// which it can be reprocessed: one end each, with real conversions and analyses.
func TestRestartedUploadIsReprocessedToItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Worker.Queues = []string{workflows.QueuePipeline, workflows.QueueConvert, workflows.QueueGPU}
	b.cfg.Worker.ScratchDir = t.TempDir()
	b.cfg.Worker.Reuse = false
	b.start()
	type parked struct {
		stage, from orak.Stage
		options     map[string]string
	}
	cases := map[orak.Upload]parked{}
	for _, stage := range orak.Stages() {
		for _, from := range []orak.Stage{"", orak.StageConvert, orak.StageAnalyze, orak.StagePublish} {
			if allowed := from == "" || from == orak.StageConvert || from == stage || stage == orak.StagePublish; !allowed {
				continue
			}
			options := map[string]string{workflows.OptionTimeout: "2h", workflows.OptionMaxDuration: "3h", workflows.OptionEngine: orak.EngineBuiltin}
			cases[b.recorded()] = parked{stage, from, nil}
			cases[b.recorded()] = parked{stage, from, options}
		}
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	for u, c := range cases {
		b.process(u, &workflows.Resume{ParkedAt: now, Progress: orak.Progress{Upload: u, Status: orak.StatusDeadLettered, Stage: c.stage, UpdatedAt: now,
			Failure: &orak.Failure{Stage: c.stage, Class: orak.ClassModel, Message: "No.", Attempts: 3, FirstAt: now, LastAt: now}}})
		b.await(u, orak.StatusDeadLettered)
		b.terminate(u)
	}
	report := b.reconcile()
	require.Equal(t, len(cases), report.Steps[activities.StepClosed].Restarted)
	for u, c := range cases {
		b.await(u, orak.StatusDeadLettered)
		require.NoError(t, b.reprocess(u, workflows.Reprocess{From: c.from, Options: c.options}), "%+v", c)
	}
	for u, c := range cases {
		b.ended(u, orak.StatusCompleted, 1)
		require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, b.info(u).GetStatus(), "%+v", c)
	}
}

// The results of the stages are not lost with a run that began with them.
func TestRestartKeepsTheResultsOfTheStages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start() // converts nothing, analyzes nothing
	u := b.recorded()
	now := time.Now().UTC().Truncate(time.Millisecond)
	b.process(u, &workflows.Resume{ParkedAt: now, Audio: &orak.Audio{DurationS: 1, Codec: "opus"}, Analysis: &orak.Analysis{Engine: orak.Engine{Name: "kept"}},
		Progress: orak.Progress{Upload: u, Status: orak.StatusDeadLettered, Stage: orak.StagePublish, UpdatedAt: now,
			Failure: &orak.Failure{Stage: orak.StagePublish, Class: orak.ClassModel, Message: "No.", Attempts: 3, FirstAt: now, LastAt: now}}})
	b.await(u, orak.StatusDeadLettered)
	b.terminate(u)
	require.Equal(t, 1, b.reconcile().Steps[activities.StepClosed].Restarted)
	b.await(u, orak.StatusDeadLettered)
	require.NoError(t, b.reprocess(u, workflows.Reprocess{}))
	b.ended(u, orak.StatusCompleted, 1)
}

// A run is terminated wherever its end can be interrupted: the next run finishes that
// end, and no other.
func TestInterruptedEndIsFinishedByReconcile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	now := time.Now().UTC().Truncate(time.Millisecond)
	type cut struct {
		stands  orak.Status
		outcome orak.Status // empty: it was not stored
		want    orak.Status
	}
	cases := map[orak.Upload]cut{}
	for _, end := range []orak.Status{orak.StatusCompleted, orak.StatusDiscarded, orak.StatusExpired, orak.StatusCanceled} {
		stands := orak.StatusDeadLettered
		if end == orak.StatusCompleted {
			stands = orak.StatusPublishing
		}
		cases[b.recorded()] = cut{stands, end, end}
		cases[b.recorded()] = cut{end, "", end} // as runs of an earlier version show it
	}
	for u, c := range cases {
		p := orak.Progress{Upload: u, Status: c.stands, Stage: orak.StageConvert, Cycle: 1, UpdatedAt: now}
		if c.want != orak.StatusCompleted {
			p.Failure = &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No.", Attempts: 1, FirstAt: now, LastAt: now}
		}
		if c.outcome != "" {
			last := p
			last.Status = c.outcome
			text, err := json.Marshal(last)
			require.NoError(t, err)
			b.put(orak.OutcomeKey(u.Tenant, u.ID), string(text))
		}
		b.closedAt(u, p)
	}
	require.Equal(t, len(cases), b.reconcile().Steps[activities.StepClosed].Restarted)
	for u, c := range cases {
		t.Logf("%+v", c)
		b.ended(u, c.want, 1)
		b.listed(u, b.info(u).GetStatus())
	}
	require.Zero(t, b.reconcile().Steps[activities.StepClosed].Restarted, "the end is complete")
}

// closedAt makes a terminated workflow with progress p.
func (b *bundle) closedAt(u orak.Upload, p orak.Progress) {
	b.t.Helper()
	options := workflows.StartOptions(workflows.ProcessUploadInput{Upload: u})
	options.TaskQueue = "nobody-serves-this"
	options.Memo = map[string]any{workflows.MemoProgress: p}
	_, err := b.temporal.ExecuteWorkflow(b.ctx, options, workflows.TypeProcessUpload, workflows.ProcessUploadInput{
		Upload: u, Origin: events.Origin{Topic: events.TopicUploads, Key: []byte(u.ID), Value: []byte("{}")},
	})
	require.NoError(b.t, err)
	b.terminate(u)
}

// Only the run of an upload that was announced again knows the second announcement:
// its input has the refused one.
func TestRestartUsesTheLatestAnnouncement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start() // converts nothing
	u := newUpload()
	now := time.Now().UTC()
	refused := workflows.ProcessUploadInput{
		Upload:  orak.BareUpload(u.Tenant, u.ID),
		Refused: &orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInput, Message: "The event cannot be read.", Attempts: 1, FirstAt: now, LastAt: now},
		Origin:  events.Origin{Topic: events.TopicUploads, Key: []byte(u.ID), Value: []byte("{}")},
	}
	_, err := b.temporal.ExecuteWorkflow(b.ctx, workflows.StartOptions(workflows.ProcessUploadInput{Upload: refused.Upload}), workflows.TypeProcessUpload, refused)
	require.NoError(t, err)
	b.await(u, orak.StatusDeadLettered)
	b.terminate(u)
	require.Equal(t, 1, b.counts().Restarted)
	b.await(u, orak.StatusDeadLettered)
	require.ErrorContains(t, b.reprocess(u, workflows.Reprocess{}), "cannot be used")

	require.NoError(t, b.temporal.SignalWorkflow(b.ctx, workflows.UploadWorkflowID(u.ID), "", workflows.SignalAnnounced,
		workflows.Announced{Upload: u, Origin: refused.Origin}))
	b.await(u, orak.StatusConverting)
	b.terminate(u)
	require.Equal(t, 1, b.counts().Restarted)
	b.await(u, orak.StatusConverting)
	require.Equal(t, u.SHA256, b.progress(u).Upload.SHA256)
}
