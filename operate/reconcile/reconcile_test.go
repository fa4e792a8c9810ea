package reconcile_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/operate/reconcile"
	"orak/workflows"
)

func countRequest(namespace, query string) *workflowservice.CountWorkflowExecutionsRequest {
	return &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query}
}

func TestMarkersOfDeadProcessesAreAnnouncedOrDropped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.API.OutboxGrace = time.Hour
	stored, never, erased := newUpload(), newUpload(), newUpload()
	for _, u := range []orak.Upload{stored, never, erased} {
		b.mark(u)
	}
	b.put(stored.Key, "a voice")
	b.put(erased.Key, "a voice")
	b.put(orak.ErasedKey(erased.Tenant, erased.ID), "{}")
	b.start()
	require.Equal(t, activities.ReconcileCounts{Published: 1, Dropped: 1}, b.counts())
	announced := b.records(events.TopicUploads)
	require.Len(t, announced, 1)
	e, err := events.FromRecord(announced[0])
	require.NoError(t, err)
	got, err := e.Received()
	require.NoError(t, err)
	require.Equal(t, stored, got.Upload)
	require.False(t, b.exists(orak.PendingKey(stored.Tenant, stored.ID)))
	require.True(t, b.exists(orak.PendingKey(never.Tenant, never.ID)), "its grace period is not over")
	require.False(t, b.exists(orak.PendingKey(erased.Tenant, erased.ID)))
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
}

func TestMarkerWithoutARecordingIsDroppedAfterItsGrace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.API.OutboxGrace = time.Millisecond
	u := newUpload()
	b.mark(u)
	b.start()
	require.Equal(t, activities.ReconcileCounts{Dropped: 1}, b.counts())
	require.False(t, b.exists(orak.PendingKey(u.Tenant, u.ID)))
	require.Empty(t, b.records(events.TopicUploads))
}

func TestYoungMarkersAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.API.OutboxMinAge = time.Hour
	u := newUpload()
	b.mark(u)
	b.put(u.Key, "a voice")
	b.start()
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
	require.True(t, b.exists(orak.PendingKey(u.Tenant, u.ID)))
}

// The group of the bridges has committed the records, which no bridge has read.
func TestMissingUploadsAreStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var lost []orak.Upload
	for range 20 {
		lost = append(lost, newUpload())
	}
	known := newUpload()
	b.announce(append(lost, known)...)
	b.pass()
	waiting := newUpload()
	b.announce(waiting)
	b.process(known, nil)
	b.start()
	require.Equal(t, activities.ReconcileCounts{Started: len(lost)}, b.counts())
	for _, u := range lost {
		info := b.info(u)
		require.EqualValues(t, workflows.LowestPriority, info.GetPriority().GetPriorityKey())
	}
	require.False(t, b.known(waiting), "the bridges have not committed it")
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
}

func TestWithdrawnErasedAndRefusedUploadsAreNotMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	canceled, erased, erasing, forgotten, refused := newUpload(), newUpload(), newUpload(), newUpload(), newUpload()
	b.announce(canceled, erased, erasing, forgotten)
	at := b.announce(refused)[0]
	e, err := events.NewCancellation(time.Now(), events.Cancellation{ID: canceled.ID, Tenant: canceled.Tenant, By: "a test"})
	require.NoError(t, err)
	require.NoError(t, b.cl.ProduceSync(b.ctx, e.Record(events.TopicUploads)).FirstErr())
	b.put(orak.ErasedKey(erased.Tenant, erased.ID), "{}")
	b.put(orak.OutcomeKey(forgotten.Tenant, forgotten.ID), "{}")
	_, err = b.temporal.ExecuteWorkflow(b.ctx, client.StartWorkflowOptions{
		ID: workflows.EraseWorkflowID(erasing.ID), TaskQueue: "nobody-serves-this",
	}, workflows.TypeEraseUpload)
	require.NoError(t, err)
	now := time.Now()
	letter := events.DeadLetter{Origin: events.OriginOf(at), FailedAt: now, Failure: orak.Failure{
		Stage: orak.StageReceive, Class: orak.ClassInternal, Message: "Refused.", FirstAt: now, LastAt: now}}
	require.NoError(t, b.cl.ProduceSync(b.ctx, letter.Record()).FirstErr())
	b.pass()
	b.start()
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
	for _, u := range []orak.Upload{canceled, erased, erasing, forgotten, refused} {
		require.False(t, b.known(u))
	}
}

func TestMissingUploadOfABucketNotificationIsStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stored, gone := newUpload(), newUpload()
	b.put(stored.Key, "a voice")
	for _, u := range []orak.Upload{stored, gone} {
		notification := fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"size":7}}}]}`,
			b.cfg.Store.Bucket, u.Key)
		require.NoError(t, b.cl.ProduceSync(b.ctx, &kgo.Record{Topic: events.TopicUploads, Value: []byte(notification)}).FirstErr())
	}
	b.pass()
	b.start()
	require.Equal(t, activities.ReconcileCounts{Started: 1}, b.counts())
	require.Equal(t, stored.SHA256, b.progress(stored).Upload.SHA256)
	require.False(t, b.known(gone))
}

func TestRecreatedTopicIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	first := newUpload()
	var partition int32
	for range 3 {
		partition = b.announce(first)[0].Partition
	}
	b.pass()
	require.Equal(t, 1, b.counts().Started)
	b.anew(events.TopicUploads)
	second := first
	for second.ID = newUpload().ID; ; second.ID = newUpload().ID {
		// In the same partition, so that its offset is one that was read.
		second.Key = orak.OriginalKey(second.Tenant, second.ID)
		if b.announce(second)[0].Partition == partition {
			break
		}
	}
	b.pass()
	require.Positive(t, b.counts().Started)
	require.True(t, b.known(second))
}

func TestTerminatedUploadIsStartedAgainWithItsInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	u := newUpload()
	b.process(u, nil)
	b.start()
	b.await(u, orak.StatusConverting)
	before := b.info(u).GetExecution().GetRunId()
	b.terminate(u)
	require.Equal(t, activities.ReconcileCounts{Restarted: 1}, b.counts())
	info := b.info(u)
	require.NotEqual(t, before, info.GetExecution().GetRunId())
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, info.GetStatus())
	require.EqualValues(t, workflows.LowestPriority, info.GetPriority().GetPriorityKey())
	require.Equal(t, 1, b.progress(u).Restarts)
	b.await(u, orak.StatusConverting)
	require.Equal(t, u, b.progress(u).Upload)
	require.Equal(t, activities.ReconcileCounts{}, b.counts(), "it is running")
}

// An upload that cannot be started again does not block others, and is retried.
func TestUploadThatCannotBeStartedAgainIsCountedInEveryRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken, whole := newUpload(), newUpload()
	_, err := b.temporal.ExecuteWorkflow(b.ctx, workflows.StartOptions(workflows.ProcessUploadInput{Upload: broken}), workflows.TypeProcessUpload, "no input")
	require.NoError(t, err)
	b.terminate(broken)
	b.process(whole, nil)
	b.terminate(whole)
	b.start()
	for i := range 2 {
		r := b.reconcile()
		require.Equal(t, activities.ReconcileCounts{Examined: 2, Restarted: 1 - i, Errors: 1}, r.Steps[activities.StepClosed])
	}
	require.Contains(t, b.log.String(), "decoding the input of "+workflows.UploadWorkflowID(broken.ID))
}

// A terminated upload is started again three times; then it is parked.
func TestUploadThatIsTerminatedRepeatedlyIsParkedAsStuck(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	u := newUpload()
	b.process(u, nil)
	for range workflows.MaxRestarts {
		b.await(u, orak.StatusConverting)
		b.terminate(u)
		require.Equal(t, activities.ReconcileCounts{Restarted: 1}, b.counts())
	}
	b.await(u, orak.StatusConverting)
	b.terminate(u)
	counts := b.counts()
	counts.Rewritten = 0 // 1 where the letters are compared before the workflow has written its own
	require.Equal(t, activities.ReconcileCounts{Restarted: 1, Stuck: 1}, counts)
	b.await(u, orak.StatusDeadLettered)
	require.Contains(t, b.progress(u).Failure.Message, "restarted 3 times")
	require.Eventually(t, func() bool { return len(b.records(events.TopicDeadLetters)) >= 1 }, within, tick)
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
	require.Empty(t, b.disagreements())
}

func TestParkedUploadThatWasTerminatedIsParkedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	u := newUpload()
	b.parked(u)
	require.Equal(t, 1, b.counts().Rewritten)
	b.terminate(u)
	require.Equal(t, map[orak.UploadID]reconcile.Kind{u.ID: reconcile.WorkflowGone}, b.disagreements())
	require.Equal(t, 1, b.counts().Restarted)
	b.await(u, orak.StatusDeadLettered)
	p := b.progress(u)
	require.Equal(t, "Not a recording.", p.Failure.Message)
	require.Equal(t, 1, p.Restarts)
	require.Equal(t, orak.MarkRestarted, p.Timeline[len(p.Timeline)-1].Kind)
	require.Len(t, b.records(events.TopicDeadLetters), 1)
	require.Empty(t, b.disagreements())
}

func TestCanceledAndDiscardedUploadsAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	canceled, discarded, erased := newUpload(), newUpload(), newUpload()
	b.process(canceled, nil)
	b.await(canceled, orak.StatusConverting)
	require.NoError(t, b.temporal.CancelWorkflow(b.ctx, workflows.UploadWorkflowID(canceled.ID), ""))
	b.listed(canceled, enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	b.parked(discarded)
	require.NoError(t, b.temporal.SignalWorkflow(b.ctx, workflows.UploadWorkflowID(discarded.ID), "", workflows.SignalDiscard, workflows.Discard{By: "a test"}))
	b.listed(discarded, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	b.process(erased, nil)
	b.put(orak.ErasedKey(erased.Tenant, erased.ID), "{}")
	b.terminate(erased)
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
}

// An expired upload is closed as failed, like one that was cut off.
func TestExpiredUploadIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Worker.Settings.ParkFor = time.Millisecond
	b.start()
	u := newUpload()
	now := time.Now().UTC()
	b.process(u, &workflows.Resume{ParkedAt: now, Progress: orak.Progress{Upload: u, Status: orak.StatusDeadLettered,
		Stage: orak.StageConvert, Failure: &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No.", FirstAt: now, LastAt: now}}})
	b.listed(u, enums.WORKFLOW_EXECUTION_STATUS_FAILED)
	require.Equal(t, activities.ReconcileCounts{}, b.counts())
}

func TestMissingDeadLetterIsWrittenAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	u := newUpload()
	p := b.parked(u)
	require.Equal(t, map[orak.UploadID]reconcile.Kind{u.ID: reconcile.ParkedWithoutLetter}, b.disagreements())
	require.Equal(t, activities.ReconcileCounts{Rewritten: 1}, b.counts())
	for range 2 {
		letters := b.records(events.TopicDeadLetters)
		require.Len(t, letters, 1)
		l, err := events.DeadLetterFrom(letters[0])
		require.NoError(t, err)
		require.Equal(t, *p.Failure, l.Failure)
		require.Equal(t, workflows.UploadWorkflowID(u.ID), l.WorkflowID)
		require.Equal(t, string(u.ID), string(l.Origin.Key))
		require.Empty(t, b.disagreements())
		require.Equal(t, activities.ReconcileCounts{}, b.counts())
		b.anew(events.TopicDeadLetters)
		require.Equal(t, activities.ReconcileCounts{Rewritten: 1}, b.counts())
	}
}

func TestDeadLetterWithoutAWorkflowIsReportedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start()
	u, now := newUpload(), time.Now().UTC()
	letter := events.DeadLetter{WorkflowID: workflows.UploadWorkflowID(u.ID), RunID: "r", FailedAt: now,
		Origin:  events.Origin{Topic: events.TopicUploads, Key: []byte(u.ID), Value: []byte("{}")},
		Failure: orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No.", FirstAt: now, LastAt: now}}
	require.NoError(t, b.cl.ProduceSync(b.ctx, letter.Record(), &kgo.Record{Topic: events.TopicDeadLetters, Value: []byte("no letter")}).FirstErr())
	require.Equal(t, map[orak.UploadID]reconcile.Kind{u.ID: reconcile.LetterWithoutWorkflow}, b.disagreements())
	require.Equal(t, activities.ReconcileCounts{Strays: 1}, b.counts())
	require.Contains(t, b.log.String(), "dead letter without a workflow that waits for a decision")
}

// Every step has many items, with two per page.
func TestManyItemsAreReconciledPageByPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Worker.ReconcilePage = 2
	const n = 30
	var lost, marked, ended, letterless []orak.Upload
	for range n {
		lost, marked, ended, letterless = append(lost, newUpload()), append(marked, newUpload()), append(ended, newUpload()), append(letterless, newUpload())
	}
	b.announce(lost...)
	b.pass()
	b.start()
	for i := range n {
		b.mark(marked[i])
		b.put(marked[i].Key, "a voice")
		b.process(ended[i], nil)
		b.terminate(ended[i])
	}
	for _, u := range letterless[:5] {
		b.parked(u)
	}
	report := b.reconcile()
	require.Zero(t, report.Total().Errors, b.log)
	for step, want := range map[activities.ReconcileStep]activities.ReconcileCounts{
		activities.StepOutbox:  {Published: n},
		activities.StepMissing: {Started: n},
		activities.StepClosed:  {Restarted: n},
		activities.StepLetters: {Rewritten: 5},
	} {
		got := report.Steps[step]
		got.Examined = 0
		require.Equal(t, want, got, step)
	}
	runs, err := b.runs().History(b.ctx, 1)
	require.NoError(t, err)
	d, err := b.temporal.DescribeWorkflowExecution(b.ctx, runs[0].WorkflowID, runs[0].RunID)
	require.NoError(t, err)
	require.Equal(t, d.GetWorkflowExecutionInfo().GetFirstRunId(), runs[0].RunID, "its history has a few events for each step, so one run is enough")
	// The next run continues: the bridges commit what the outbox announced.
	b.pass()
	next := b.reconcile()
	require.Equal(t, n, next.Steps[activities.StepMissing].Started)
	history, err := b.runs().History(b.ctx, 10)
	require.NoError(t, err)
	require.NotEmpty(t, history)
	require.True(t, slices.IsSortedFunc(history, func(x, y reconcile.Run) int { return y.Report.BeganAt.Compare(x.Report.BeganAt) }))
}

func TestWorkersCreateOneSchedule(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Worker.ReconcileInterval = 30 * time.Minute
	b.start()
	b.start()
	schedule := b.temporal.ScheduleClient().GetHandle(b.ctx, workflows.ScheduleReconcile)
	every := func() time.Duration {
		d, err := schedule.Describe(b.ctx)
		require.NoError(t, err)
		require.Equal(t, enums.SCHEDULE_OVERLAP_POLICY_SKIP, d.Schedule.Policy.Overlap)
		require.Len(t, d.Schedule.Spec.Intervals, 1)
		return d.Schedule.Spec.Intervals[0].Every
	}
	require.Equal(t, 30*time.Minute, every())
	require.NoError(t, schedule.Pause(b.ctx, client.SchedulePauseOptions{Note: "a person"}))
	b.cfg.Worker.ReconcileInterval = time.Hour
	b.start()
	require.Equal(t, time.Hour, every())
	d, err := schedule.Describe(b.ctx)
	require.NoError(t, err)
	require.True(t, d.Schedule.State.Paused, "a pause by an operator stays")
	require.Equal(t, "a person", d.Schedule.State.Note)
}

func TestNowWithoutAScheduleIsErrNoSchedule(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.runs().Now(b.ctx, func(reconcile.Run) {})
	require.ErrorIs(t, err, reconcile.ErrNoSchedule)
	history, err := b.runs().History(b.ctx, 10)
	require.NoError(t, err)
	require.Empty(t, history)
}
