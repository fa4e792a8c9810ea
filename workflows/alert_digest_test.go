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
	"orak/workflows"
)

func digestInput() workflows.AlertDigestInput {
	return workflows.AlertDigestInput{Stage: orak.StageConvert, Class: orak.ClassInput, GroupWait: 10 * time.Second, GroupInterval: 5 * time.Minute}
}

// alerts sends alert i at each of the given times.
func alerts(w *world, at ...time.Duration) {
	for i, d := range at {
		w.after(d, func() {
			w.SignalWorkflow(workflows.SignalAlert, activities.Alert{
				ID: fmt.Sprint(i), UploadID: orak.UploadID(fmt.Sprint(i)), At: noon.Add(d)})
		})
	}
}

func TestAlertsAreGathered(t *testing.T) {
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
	require.Len(t, first.Samples, activities.MaxSamples)
	require.Equal(t, orak.StageConvert, first.Stage)
	require.Equal(t, orak.ClassInput, first.Class)
	require.Equal(t, noon, first.FirstAt)
	require.Equal(t, noon.Add(9*s), first.LastAt)
	require.Equal(t, 2, w.posts[1].Count)
}

func TestARepeatedAlertCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.after(time.Second, func() { w.SignalWorkflow(workflows.SignalAlert, activities.Alert{ID: "same"}) })
	}
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.Len(t, w.posts, 1)
	require.Equal(t, 1, w.posts[0].Count)
}

func TestAnAlertWaitsOutItsWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(name string, n int) error {
		if n <= 15 {
			return errors.New("the webhook is away")
		}
		return nil
	}
	alerts(w, 0, 4*time.Minute)
	w.ExecuteWorkflow(workflows.TypeAlertDigest, digestInput())
	require.NoError(t, w.GetWorkflowError())
	require.Len(t, w.posts, 1)
	require.Equal(t, 2, w.posts[0].Count, "what comes in the meantime is told with it")
}

func TestAStormOfAlertsGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alerts(w, 0, time.Second)
	w.after(2*time.Second, func() {
		w.SetContinueAsNewSuggested(true)
		w.SignalWorkflow(workflows.SignalAlert, activities.Alert{ID: "last", At: noon})
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

func resumed(t *testing.T, again *workflow.ContinueAsNewError) workflows.ProcessUploadInput {
	t.Helper()
	var in workflows.ProcessUploadInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	return in
}
