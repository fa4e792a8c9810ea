package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/test/stack"
	"orak/worker"
	"orak/workflows"
)

// digestOf is the id of the digest of uploads that fail with inputFault.
var digestOf = workflows.AlertWorkflowID(orak.StageConvert, orak.ClassInput)

// posted waits for a message that has text, and returns it.
func (r *rig) posted(text string) string {
	r.t.Helper()
	var found string
	require.Eventually(r.t, func() bool {
		for _, m := range r.hook.messages() {
			if strings.Contains(m, text) {
				found = m
				return true
			}
		}
		return false
	}, patience, tick, "waiting for a message with %q", text)
	return found
}

func (r *rig) digestEnded() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	require.NoError(r.t, r.client.GetWorkflow(ctx, digestOf, "").Get(ctx, nil))
}

func TestAlertSurvivesAnOutageOfTheAlertWebhook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hook.refuse = 2
	r.deps.Converter = convert(func(int) error { return inputFault })
	w := r.start()
	var uploads []orak.Upload
	for range 5 {
		u := r.upload([]byte("sound"))
		r.await(u, orak.StatusDeadLettered)
		uploads = append(uploads, u)
	}
	require.NoError(t, w.Stop(t.Context()), "the alert survives the worker")
	r.start()
	first := string(uploads[0].ID)
	require.Contains(t, r.posted(first), "orak dlq reprocess "+first)
	require.Contains(t, r.posted(first), r.servers.TemporalUI)
	for _, u := range uploads {
		r.signal(u, workflows.SignalDiscard)
		require.NoError(t, r.closed(u))
	}
	require.Contains(t, r.posted(":white_check_mark:"), "5 uploads were decided.")
	r.digestEnded()
	r.record("alert_digest_resolved", digestOf)
}

func TestAlertIsRepeatedWhileUploadsAreParked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.AlertRepeatInterval = r.cfg.AlertGroupInterval
	r.deps.Converter = convert(first(inputFault))
	r.deps.Console.URL = "https://orak.example.org"
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	repeat := r.posted(":repeat:")
	require.Contains(t, repeat, "1 upload is parked in total.")
	require.Contains(t, repeat, "orak dlq reprocess "+string(u.ID))
	require.Contains(t, repeat, "Decide: https://orak.example.org/operate/dead-letters/"+string(u.ID))
	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Contains(t, r.posted(":white_check_mark:"), "1 upload was decided.", "it is found without a signal as well")
	r.digestEnded()
	r.record("alert_digest_repeated", digestOf)
}

func TestDigestOfRecordsEndsWithoutResolvedText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	raise := worker.NewAlerter(r.client, r.cfg).Raise
	require.NoError(t, raise(t.Context(), messages.Alert{ID: "orak.uploads/1/2", Stage: orak.StageConvert, Class: orak.ClassInput, At: time.Now()}))
	r.digestEnded()
	require.Len(t, r.hook.messages(), 1)
	require.Contains(t, r.hook.messages()[0], "orak.dead-letters")
}

// A server suggests Continue-As-New only after thousands of events; the state of
// the next run is the same.
func TestDigestContinuesAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	_, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: digestOf, TaskQueue: workflows.QueuePipeline},
		workflows.TypeAlertDigest, workflows.AlertDigestInput{
			Stage: orak.StageConvert, Class: orak.ClassInput,
			AlertIntervals: workflows.AlertIntervals{GroupWait: time.Millisecond, GroupInterval: time.Second, RepeatInterval: time.Hour},
			Resume: &workflows.ResumeDigest{
				Pending: messages.AlertGroup{Count: 1, Samples: []messages.Alert{{ID: "a", UploadID: "a", WorkflowID: "upload-a"}}},
				Until:   time.Now().Add(time.Second), Seen: []byte("12345678"), Tracked: true, Total: 4, FirstAt: time.Now(), LastAt: time.Now(),
			},
		})
	require.NoError(t, err)
	r.posted("1 upload dead-lettered")
	for range 4 {
		require.NoError(t, r.client.SignalWorkflow(t.Context(), digestOf, "", workflows.SignalUnparked, nil))
	}
	require.Contains(t, r.posted(":white_check_mark:"), "4 uploads were decided.")
	r.digestEnded()
	r.record("alert_digest_continued", digestOf)
}

// A digest runs as long as uploads are parked: with the intervals of the worker that
// started it, changed settings would take effect days late.
func TestDigestUsesTheSettingsOfTheLatestWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.cfg.AlertRepeatInterval = time.Hour
	w := r.start()
	uploads := []orak.Upload{r.upload([]byte("sound"))}
	r.posted("1 upload dead-lettered")
	require.NoError(t, w.Stop(t.Context()))
	r.cfg.AlertRepeatInterval = r.cfg.AlertGroupInterval
	r.start()
	uploads = append(uploads, r.upload([]byte("sound")))
	r.posted(":repeat:")
	for _, u := range uploads {
		r.signal(u, workflows.SignalDiscard)
	}
	r.digestEnded()
	r.record("alert_digest_adjusted", digestOf)
}

// storm is the number of uploads that fail at once: the maximum number of signals
// that a run of a digest takes.
const storm = 10_000

// raise raises some alerts of a storm, and retries each until it is accepted, as its
// activity would.
func (r *rig) raise(class orak.Class, from, to int) {
	r.t.Helper()
	alerter := worker.NewAlerter(r.client, r.cfg)
	var next atomic.Int64
	next.Store(int64(from))
	var raising sync.WaitGroup
	for range 16 {
		raising.Go(func() {
			for i := next.Add(1) - 1; i < int64(to); i = next.Add(1) - 1 {
				id := orak.UploadID(fmt.Sprintf("0190aaaa-0000-7000-8000-%012d", i))
				r.raiseOne(alerter, messages.Alert{
					ID:    workflows.UploadWorkflowID(id) + "/0190bbbb-0000-7000-8000-000000000000/orak.upload.dead_lettered/0",
					Stage: orak.StageConvert, Class: class, UploadID: id, WorkflowID: workflows.UploadWorkflowID(id),
					Tenant: "choir", Filename: "song.wav", Message: "This is not audio.", At: time.Now(),
				})
			}
		})
	}
	raising.Wait()
}

func (r *rig) raiseOne(alerter activities.Alerter, a messages.Alert) {
	for {
		ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
		err := alerter.Raise(ctx, a)
		cancel()
		if err == nil || r.t.Context().Err() != nil {
			return
		}
	}
}

// continued reports whether the run of the digest continues another one.
func (r *rig) continued() bool {
	r.t.Helper()
	it := r.client.GetWorkflowHistory(r.t.Context(), digestOf, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	began, err := it.Next()
	require.NoError(r.t, err)
	return began.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId() != ""
}

// postedOnce checks that the whole storm is one message.
func (r *rig) postedOnce() {
	r.t.Helper()
	require.Contains(r.t, r.posted("dead-lettered"), fmt.Sprintf("%d uploads dead-lettered", storm))
	require.Len(r.t, r.hook.messages(), 1)
	require.True(r.t, r.continued(), "one run does not take that many")
}

// It does not run in parallel with other tests, so that the storm is as fast as its
// first part.
func TestStormIsOneMessage(t *testing.T) {
	r := newRig(t)
	r.cfg.AlertGroupWait, r.cfg.AlertGroupInterval = time.Hour, time.Hour
	r.start()
	// The duration of the storm depends on the machine: its first part measures it.
	began := time.Now()
	r.raise(orak.ClassModel, 0, storm/20)
	r.cfg.AlertGroupWait = 2 * 20 * time.Since(began)
	began = time.Now()
	r.raise(orak.ClassInput, 0, storm)
	t.Logf("%d alerts in %v", storm, time.Since(began))
	require.Eventually(t, func() bool { return len(r.hook.messages()) > 0 }, r.cfg.AlertGroupWait+patience, tick)
	r.postedOnce()
}

// grown waits until more alerts have been taken.
func (r *rig) grown() {
	r.t.Helper()
	events := func() int64 {
		d, err := r.client.DescribeWorkflowExecution(r.t.Context(), digestOf, "")
		require.NoError(r.t, err)
		return d.GetWorkflowExecutionInfo().GetHistoryLength()
	}
	before := events()
	require.Eventually(r.t, func() bool { return events() > before+storm/10 }, patience, tick)
}

// More alerts are raised than the first run has taken when the workers stop and the
// servers are killed. Each is retried until it is accepted, so some are raised
// twice.
func TestStormSurvivesKilledWorkersAndServers(t *testing.T) {
	t.Parallel()
	servers := stack.StartServers(t, stack.Options{})
	r := newRigOn(t, &servers.Servers)
	r.cfg.AlertGroupWait, r.cfg.AlertGroupInterval = 20*time.Second, time.Hour
	w := r.start()
	r.raise(orak.ClassInput, 0, storm/5)
	require.NoError(t, w.Stop(t.Context()))
	raised := make(chan struct{})
	go func() {
		defer close(raised)
		r.raise(orak.ClassInput, storm/5, storm)
	}()
	for range 2 {
		r.grown()
		servers.Kill()
		servers.Restart()
	}
	<-raised
	r.start()
	r.postedOnce()
}
