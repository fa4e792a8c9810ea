package workflows_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/workflows"
)

func digestInput() workflows.AlertDigestInput {
	return workflows.AlertDigestInput{Stage: orak.StageConvert, Class: orak.ClassInput,
		AlertIntervals: workflows.AlertIntervals{GroupWait: 10 * time.Second, GroupInterval: 5 * time.Minute, RepeatInterval: 4 * time.Hour}}
}

// alerts sends alert i, of a record without a workflow, at each of the given
// times.
func alerts(w *world, at ...time.Duration) {
	for i, d := range at {
		w.after(d, func() {
			w.SignalWorkflow(workflows.SignalAlert, messages.Alert{
				ID: fmt.Sprint(i), UploadID: orak.UploadID(fmt.Sprint(i)), At: noon.Add(d)})
		})
	}
}

func TestDigestGroupsAlerts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, m := time.Second, time.Minute
	alerts(w, 0, s, 2*s, 9*s, // the first message
		20*s, 4*m, // the second
		30*m) // never: the digest has ended
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 2)
	first := w.posts[0]
	require.Equal(t, 4, first.Count)
	require.Len(t, first.Samples, messages.MaxSamples)
	require.Equal(t, orak.StageConvert, first.Stage)
	require.Equal(t, orak.ClassInput, first.Class)
	require.Equal(t, noon, first.FirstAt)
	require.Equal(t, noon.Add(9*s), first.LastAt)
	require.Equal(t, 2, w.posts[1].Count)
}

func TestDigestCountsARepeatedAlertOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.after(time.Second, func() { w.SignalWorkflow(workflows.SignalAlert, messages.Alert{ID: "same"}) })
	}
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.Len(t, w.posts, 1)
	require.Equal(t, 1, w.posts[0].Count)
}

func TestDigestWaitsForTheAlertWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(_ string, n int) error {
		if n <= 15 {
			return errors.New("the alert webhook is unavailable")
		}
		return nil
	}
	alerts(w, 0, 4*time.Minute)
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 1)
	require.Equal(t, 2, w.posts[0].Count, "what arrives meanwhile is in the same message")
}

func TestDigestContinuesAsNewInAStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alerts(w, 0, time.Second)
	w.after(2*time.Second, func() {
		w.SetContinueAsNewSuggested(true)
		w.SignalWorkflow(workflows.SignalAlert, messages.Alert{ID: "last", At: noon})
	})
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	var in workflows.AlertDigestInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	require.Equal(t, 3, in.Resume.Pending.Count)

	next := newWorld(t)
	next.SetStartTime(noon.Add(2 * time.Second))
	next.ExecuteWorkflow(workflows.TypeAlertDigest, in)
	require.NoError(t, next.GetWorkflowError())
	require.Len(t, next.posts, 1)
	require.Equal(t, 3, next.posts[0].Count)
}

// park sends the alert of an upload with a workflow.
func park(w *world, at time.Duration, id string) {
	w.after(at, func() {
		w.SignalWorkflow(workflows.SignalAlert, messages.Alert{
			ID: id, UploadID: orak.UploadID(id), WorkflowID: "upload-" + id, At: noon.Add(at)})
	})
}

// unpark signals that an upload is unparked, after which left are parked.
func unpark(w *world, at time.Duration, left int) {
	w.after(at, func() {
		w.parked = func() int { return left }
		w.SignalWorkflow(workflows.SignalUnparked, nil)
	})
}

func TestDigestPostsRepeatsAndResolves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, h := time.Second, time.Hour
	w.parked = func() int { return 2 }
	park(w, 0, "a")
	park(w, s, "b")
	unpark(w, 9*h, 1) // posted at 10 s, repeated after 4 and 8 h
	unpark(w, 9*h+30*s, 0)
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 4)
	first, again, resolved := w.posts[0], w.posts[2], w.posts[3]
	require.Equal(t, 2, first.Count)
	require.Equal(t, 2, first.Parked.Count)
	require.Equal(t, w.posts[1], again)
	require.Zero(t, again.Count)
	require.Equal(t, 2, again.Parked.Count)
	require.Equal(t, noon, again.FirstAt)
	require.Equal(t, noon.Add(s), again.LastAt)
	require.Equal(t, 2, resolved.Count)
	require.Equal(t, noon.Add(9*h+40*s), resolved.ResolvedAt, "a signal is followed by a count after GroupWait")
	require.Equal(t, 5, w.runs[activities.TypeCountParked], "for each of the first three messages and for each signal")
}

func TestDigestCountsAgainWhenTheCountLags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int { return 1 }
	park(w, 0, "a")
	unpark(w, time.Minute, 1) // the count lags
	w.after(2*time.Minute, func() { w.parked = func() int { return 0 } })
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 2)
	require.Equal(t, noon.Add(time.Minute+10*time.Second+5*time.Minute), w.posts[1].ResolvedAt)
}

func TestDigestDoubtsAnUnexplainedZeroCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	park(w, 0, "a") // but the count is 0
	w.after(time.Minute, func() { w.parked = func() int { return 1 } })
	w.after(time.Hour, func() { w.parked = func() int { return 0 } }) // without a signal
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 2)
	require.Zero(t, w.posts[0].Parked.Count)
	require.Equal(t, noon.Add(4*time.Hour+10*time.Second+5*time.Minute), w.posts[1].ResolvedAt)
}

func TestAlertDuringTheResolvedMessageStartsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int { return 1 }
	park(w, 0, "a")
	unpark(w, time.Hour, 0)
	w.fail = func(name string, n int) error {
		if name == activities.TypePostAlert && n == 2 {
			w.SignalWorkflow(workflows.SignalAlert, messages.Alert{ID: "b", UploadID: "b", WorkflowID: "upload-b", At: noon.Add(time.Hour)})
		}
		return nil
	}
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 4)
	require.False(t, w.posts[1].ResolvedAt.IsZero())
	require.Equal(t, 1, w.posts[2].Count)
	require.Equal(t, 1, w.posts[3].Count, "the second message has only the second alert")
	require.Equal(t, noon.Add(time.Hour), w.posts[3].FirstAt)
}

func TestNewAlertOfAQuietGroupWaitsOnlyForGroupWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int { return 1 }
	park(w, 0, "a")
	park(w, time.Hour, "b")
	park(w, time.Hour+9*time.Second, "c")
	unpark(w, 2*time.Hour, 0)
	var posted []time.Time
	w.fail = func(name string, _ int) error {
		if name == activities.TypePostAlert {
			posted = append(posted, w.Now().UTC())
		}
		return nil
	}
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 2, w.posts[1].Count)
	require.Equal(t, noon.Add(time.Hour+10*time.Second), posted[1])
}

func TestDigestPostsUploadsThatExpireSoon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int { return 3 }
	for i := range 2 {
		w.after(time.Second, func() {
			w.SignalWorkflow(workflows.SignalAlert, messages.Alert{Kind: messages.AlertExpiring, ID: fmt.Sprint(i, "/expiring"),
				UploadID: "a", WorkflowID: "upload-a", ExpiresAt: noon.Add(time.Duration(24-i) * time.Hour)})
		})
	}
	unpark(w, time.Hour, 0)
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 2)
	require.Zero(t, w.posts[0].Count)
	require.Equal(t, 2, w.posts[0].Expiring.Count)
	require.Equal(t, noon.Add(23*time.Hour), w.posts[0].Expiring.FirstAt)
	require.Equal(t, 3, w.posts[1].Count, "all that were parked are decided")
}

func TestMessageDoesNotWaitForTheCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(name string, n int) error {
		if name == activities.TypeCountParked && n < 10 {
			return errors.New("visibility is unavailable")
		}
		return nil
	}
	park(w, 0, "a")
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 2)
	require.Nil(t, w.posts[0].Parked)
	require.False(t, w.posts[1].ResolvedAt.IsZero())
}

func TestResolvedMessageWaitsForTheAlertWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int { return 1 }
	park(w, 0, "a")
	unpark(w, 5*time.Hour, 0)
	w.fail = func(name string, n int) error {
		if name == activities.TypePostAlert && n > 2 && n < 30 { // the message and its reminder are posted
			return errors.New("the alert webhook is unavailable")
		}
		return nil
	}
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 3)
	require.False(t, w.posts[2].ResolvedAt.IsZero())
}

func TestDigestContinuesAsNewWithItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int { return 1 }
	park(w, 0, "a")
	w.after(time.Hour, func() { w.SetContinueAsNewSuggested(true) })
	park(w, time.Hour, "b")
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	var in workflows.AlertDigestInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))

	next := newWorld(t)
	next.SetStartTime(noon.Add(time.Hour))
	next.parked = func() int { return 2 }
	park(next, 0, "a") // repeats
	park(next, 0, "b")
	unpark(next, time.Hour, 1)
	unpark(next, time.Hour, 0)
	next.ExecuteWorkflow(workflows.TypeAlertDigest, in)
	require.NoError(t, next.GetWorkflowError())
	require.Len(t, next.posts, 2)
	require.Equal(t, 1, next.posts[0].Count)
	require.Equal(t, "b", next.posts[0].Samples[0].ID)
	require.Equal(t, 2, next.posts[1].Count)
	require.Equal(t, noon, next.posts[1].FirstAt)
}

func resumed(t *testing.T, again *workflow.ContinueAsNewError) workflows.ProcessUploadInput {
	t.Helper()
	var in workflows.ProcessUploadInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	return in
}

func TestDigestUsesTheIntervalsOfTheLatestAlert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parked = func() int {
		if w.Now().Sub(noon) < 90*time.Minute {
			return 1
		}
		return 0
	}
	alert := messages.Alert{ID: "a", UploadID: "a", WorkflowID: "upload-a", At: noon}
	w.after(time.Second, func() { w.SignalWorkflow(workflows.SignalAlert, alert) })
	w.after(30*time.Minute, func() { // a repeat of the first alert, from a worker with other settings
		w.SignalWorkflow(workflows.SignalAlert, workflows.AlertSignal{Alert: alert, Intervals: &workflows.AlertIntervals{
			GroupWait: time.Second, GroupInterval: time.Minute, RepeatInterval: time.Hour,
		}})
	})
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 3, "posted, repeated after an hour instead of four, and resolved")
	require.Equal(t, 1, w.posts[1].Parked.Count)
	resolved := w.posts[2].ResolvedAt.Sub(noon)
	require.Greater(t, resolved, 2*time.Hour)
	require.Less(t, resolved, 3*time.Hour)
}
