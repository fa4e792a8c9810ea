package worker_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	enumspb "go.temporal.io/api/enums/v1"
	sdktemporal "go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

// letters returns the first n dead letters of u.
func (r *rig) letters(u orak.Upload, n int) (letters []events.DeadLetter) {
	r.t.Helper()
	r.consume(events.TopicDeadLetters, func(rec *kgo.Record) bool {
		if string(rec.Key) == string(u.ID) {
			letter, err := events.DeadLetterFrom(rec)
			require.NoError(r.t, err)
			letters = append(letters, letter)
		}
		return len(letters) == n
	})
	return letters
}

// signals counts the signals of a workflow.
func (r *rig) signals(workflowID, name string) (n int) {
	r.t.Helper()
	it := r.client.GetWorkflowHistory(r.t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(r.t, err)
		if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == name {
			n++
		}
	}
	return n
}

func TestReprocessedUploadKeepsItsFirstCause(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.AlertGroupInterval = patience // its digest runs for as long
	r.deps.Converter = convert(func(n int) error {
		if n > 2 {
			return nil
		}
		return &orak.Fault{Class: orak.ClassInput, Message: fmt.Sprint("No. ", n)}
	})
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	require.NoError(t, r.update(u, workflows.SignalReprocess, workflows.Reprocess{By: "ada", Reason: "fixed"}))
	require.Eventually(t, func() bool { return r.progress(u).Failure != nil }, patience, tick)
	p := r.progress(u)
	require.Equal(t, "No. 1", p.First.Message)
	require.Equal(t, "No. 2", p.Failure.Message)
	require.Equal(t, 1, p.Cycle)

	letters := r.letters(u, 2)
	require.Nil(t, letters[0].First)
	require.Equal(t, &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No. 1"}, letters[1].First)

	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	p = get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID))
	require.Equal(t, orak.StatusCompleted, p.Status)
	var kinds []orak.MarkKind
	for _, m := range p.Timeline {
		kinds = append(kinds, m.Kind)
	}
	failed := []orak.MarkKind{orak.MarkAttemptFailed, orak.MarkDeadLettered, orak.MarkReprocessed}
	require.Equal(t, append(failed, failed...), kinds)
	require.Equal(t, 2, r.signals(workflows.AlertWorkflowID(orak.StageConvert, orak.ClassInput), workflows.SignalUnparked))
	r.record("failed_again_brief", workflows.UploadWorkflowID(u.ID))
}

func TestReprocessTakesOptions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Analyzer = analyze(func(ctx context.Context) error {
		if end, ok := ctx.Deadline(); !ok || time.Until(end) < r.cfg.Settings.AnalyzeTimeout {
			return &orak.Fault{Class: orak.ClassInput, Message: "It wants more time than that."}
		}
		return nil
	})
	r.deps.Engines = map[string]activities.Analyzer{orak.EngineBuiltin: r.deps.Analyzer}
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	ask := workflows.Reprocess{By: "ada", Options: map[string]string{workflows.OptionTimeout: "for ever"}}
	require.ErrorContains(t, r.update(u, workflows.SignalReprocess, ask), "options: timeout: want a duration from 1s to 24h")
	ask.Options = map[string]string{workflows.OptionTimeout: "10h", workflows.OptionEngine: "builtin"}
	require.NoError(t, r.update(u, workflows.SignalReprocess, ask))
	require.NoError(t, r.closed(u))
	r.record("reprocessed_with_options_brief", workflows.UploadWorkflowID(u.ID))
}

func TestExpiredUploadIsAnnouncedAndKeepsItsCause(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.AlertGroupInterval = patience
	r.cfg.Settings.ParkFor, r.cfg.Settings.ExpiryWarning = 3*time.Second, 2*time.Second
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	u := r.upload([]byte("sound"))
	var app *sdktemporal.ApplicationError
	require.ErrorAs(t, r.closed(u), &app)
	require.Equal(t, string(orak.ClassInput), app.Type())
	digest := workflows.AlertWorkflowID(orak.StageConvert, orak.ClassInput)
	require.Equal(t, 2, r.signals(digest, workflows.SignalAlert), "dead-lettered, and about to expire")
	require.Equal(t, 1, r.signals(digest, workflows.SignalUnparked))
	r.record("expired_after_a_warning_brief", workflows.UploadWorkflowID(u.ID))
}

func TestParkedUploadIsCanceled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.AlertGroupInterval = patience
	r.deps.Converter = convert(func(int) error { return inputFault })
	r.start()
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	require.Eventually(t, func() bool { return len(r.hook.messages()) > 0 }, patience, tick)
	require.NoError(t, r.client.CancelWorkflow(t.Context(), workflows.UploadWorkflowID(u.ID), ""))
	var canceled *sdktemporal.CanceledError
	require.ErrorAs(t, r.closed(u), &canceled)
	require.Equal(t, 1, r.signals(workflows.AlertWorkflowID(orak.StageConvert, orak.ClassInput), workflows.SignalUnparked))
	r.record("canceled_while_parked_brief", workflows.UploadWorkflowID(u.ID))
}

func TestUploadRestartedTooOftenIsStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.put([]byte("sound"))
	r.execute(workflows.ProcessUploadInput{Upload: u, Restarts: workflows.MaxRestarts + 1})
	p := r.await(u, orak.StatusDeadLettered)
	require.Equal(t, orak.ClassInternal, p.Failure.Class)
	require.Equal(t, workflows.MaxRestarts+1, p.Restarts)
	require.Equal(t, p.Failure.Message, r.letters(u, 1)[0].Failure.Message)
	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Equal(t, []events.Type{events.DeadLettered, events.Reprocessed, events.Converted, events.Analyzed, events.Completed},
		types(r.lifecycle(u, events.Completed)))
	r.record("stuck_brief", workflows.UploadWorkflowID(u.ID))
}

func TestAnnouncementIsAtFaultForAnAbsentRecording(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Budget.Arrival = time.Second
	r.start()
	absent, other := r.put([]byte("sound")), r.put([]byte("sound"))
	require.NoError(t, r.store.Delete(t.Context(), absent.Key))
	other.SHA256 = strings.Repeat("0", 64)
	for message, u := range map[string]orak.Upload{
		"The announcement names a recording that is not in the store.":          absent,
		"The announcement names a digest that the stored object does not have.": other,
	} {
		r.process(u, nil)
		p := r.await(u, orak.StatusDeadLettered)
		require.Equal(t, orak.ClassInput, p.Failure.Class)
		require.Equal(t, message, p.Failure.Message)
		require.LessOrEqual(t, p.Failure.Attempts, 1)
	}
}

func TestAnnouncementMayComeBeforeItsRecording(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Budget.Arrival = patience
	r.start()
	sound := []byte("sound")
	u := r.put(sound)
	require.NoError(t, r.store.Delete(t.Context(), u.Key))
	r.process(u, nil)
	require.Eventually(t, func() bool {
		p, ok := r.webUI(u)
		return ok && p.LastFailure.Message != ""
	}, patience, tick, "the first attempt finds nothing")
	require.NoError(t, r.store.Put(t.Context(), u.Key, bytes.NewReader(sound), u.Size, u.ContentType))
	require.NoError(t, r.closed(u))
}

func refusedAnnouncement() *orak.Failure {
	now := time.Now().UTC()
	return &orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInput, Message: "The event cannot be read.", Attempts: 1, FirstAt: now, LastAt: now}
}

func TestRefusedAnnouncementTakesDecisions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.put([]byte("sound"))
	refused := refusedAnnouncement()
	r.execute(workflows.ProcessUploadInput{Upload: orak.BareUpload(u.Tenant, u.ID), Refused: refused})
	r.await(u, orak.StatusDeadLettered)
	letter := r.letters(u, 1)[0]
	require.Equal(t, orak.StageReceive, letter.Failure.Stage)
	require.Equal(t, workflows.UploadWorkflowID(u.ID), letter.WorkflowID)
	require.Contains(t, r.posted(string(u.ID)), "orak dlq discard "+string(u.ID))
	err := r.update(u, workflows.SignalReprocess, workflows.Reprocess{By: "ada", Reason: "again"})
	require.ErrorContains(t, err, "announcement of this upload cannot be used")
	require.NoError(t, r.update(u, workflows.SignalDiscard, workflows.Discard{By: "ada", Reason: "spam"}))
	require.NoError(t, r.closed(u))
	require.Equal(t, []events.Type{events.DeadLettered, events.Discarded}, types(r.lifecycle(u, events.Discarded)))
	require.Equal(t, orak.StatusDiscarded, get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID)).Status)
	r.record("announcement_refused_brief", workflows.UploadWorkflowID(u.ID))
}

func TestRefusedAnnouncementIsReplacedByAValidOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.put([]byte("sound"))
	r.execute(workflows.ProcessUploadInput{Upload: orak.BareUpload(u.Tenant, u.ID), Refused: refusedAnnouncement()})
	r.await(u, orak.StatusDeadLettered)
	again := workflows.Announced{Upload: u, Origin: events.Origin{Topic: events.TopicUploads, Key: []byte(u.ID), Value: []byte("{}")}}
	require.NoError(t, r.client.SignalWorkflow(t.Context(), workflows.UploadWorkflowID(u.ID), "", workflows.SignalAnnounced, again))
	require.NoError(t, r.closed(u))
	require.Equal(t, []events.Type{events.DeadLettered, events.Reprocessed, events.Converted, events.Analyzed, events.Completed},
		types(r.lifecycle(u, events.Completed)))
	require.Equal(t, u.SHA256, get[orak.Progress](r, orak.OutcomeKey(u.Tenant, u.ID)).Upload.SHA256)
	r.record("announced_again_brief", workflows.UploadWorkflowID(u.ID))
}

// pending returns the running stage of u as the Temporal Web UI shows it.
type pending struct {
	Attempt     int
	LastFailure struct {
		Message                string
		Cause                  struct{ Message string }
		ApplicationFailureInfo struct{ Type string }
	}
	HeartbeatDetails struct {
		Payloads []struct{ Data string }
	}
}

func (r *rig) webUI(u orak.Upload) (p pending, ok bool) {
	r.t.Helper()
	url := fmt.Sprintf("%s/api/v1/namespaces/%s/workflows/%s", strings.TrimSuffix(r.servers.TemporalUI, "/"), r.deps.Namespace, workflows.UploadWorkflowID(u.ID))
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
	require.NoError(r.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	require.Equal(r.t, http.StatusOK, resp.StatusCode, url)
	var answer struct{ PendingActivities []pending }
	require.NoError(r.t, json.NewDecoder(resp.Body).Decode(&answer))
	if len(answer.PendingActivities) != 1 {
		return p, false
	}
	return answer.PendingActivities[0], true
}

func TestWebUIShowsAttemptAndCause(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Budget.Delay, r.cfg.Budget.MaxDelay = time.Hour, time.Hour // the second attempt is delayed
	r.deps.Converter = convert(func(int) error {
		return &orak.Fault{Class: orak.ClassTransient, Message: "The conversion broke off.", Err: errors.New("exit status 9")}
	})
	r.start()
	u := r.upload([]byte("sound"))
	var p pending
	require.Eventually(t, func() (ok bool) {
		p, ok = r.webUI(u)
		return ok && p.LastFailure.Message != ""
	}, patience, tick)
	require.Equal(t, 2, p.Attempt)
	require.Equal(t, "The conversion broke off.", p.LastFailure.Message)
	require.Equal(t, "exit status 9", p.LastFailure.Cause.Message)
	require.Equal(t, "transient", p.LastFailure.ApplicationFailureInfo.Type)
	require.Len(t, p.HeartbeatDetails.Payloads, 1)
	data, err := base64.StdEncoding.DecodeString(p.HeartbeatDetails.Payloads[0].Data)
	require.NoError(t, err)
	var h activities.Heartbeat
	require.NoError(t, json.Unmarshal(data, &h))
	require.Equal(t, 1, h.Attempts)
	require.False(t, h.Open)
	require.Len(t, h.Failed, 1)
	require.Equal(t, "The conversion broke off.", h.Failed[0].Message)
}
