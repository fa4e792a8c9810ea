package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/internal/config"
	"orak/workflows"
)

// outageWorld is a world whose store is unavailable until upAt, by the clock of the
// workflow, and whose outages are reported at the given times.
type outageWorld struct {
	*world
	posts []messages.Outage
	upAt  time.Duration
}

func newOutageWorld(t *testing.T, upAt time.Duration, reports ...time.Duration) *outageWorld {
	t.Helper()
	w := &outageWorld{world: newWorld(t), upAt: upAt}
	w.RegisterWorkflowWithOptions(workflows.New(config.MustDefaults[workflows.Settings]()).OutageDigest, workflow.RegisterOptions{Name: workflows.TypeOutageDigest})
	sideActivity(w.world, activities.TypePostOutage, &w.posts)
	w.activity(activities.TypeProbeDependency, func(context.Context, orak.Dependency) (bool, error) {
		return w.Now().Sub(noon) >= w.upAt, w.attempt(activities.TypeProbeDependency)
	})
	for _, at := range reports {
		w.after(at, func() {
			w.SignalWorkflow(workflows.SignalDown, messages.Down{
				Dependency: orak.DependencyStore, Count: 2, FirstAt: w.Now(), LastAt: w.Now(), Message: "The object store cannot be reached."})
		})
	}
	return w
}

func outageInput() workflows.OutageDigestInput {
	return workflows.OutageDigestInput{Dependency: orak.DependencyStore,
		OutageIntervals: workflows.OutageIntervals{GroupWait: 10 * time.Second, Quiet: time.Minute, RepeatInterval: 4 * time.Hour}}
}

func (w *outageWorld) run(in workflows.OutageDigestInput) {
	w.t.Helper()
	w.ExecuteWorkflow(workflows.TypeOutageDigest, in)
	require.True(w.t, w.IsWorkflowCompleted())
	require.NoError(w.t, w.GetWorkflowError())
}

func every(step, until time.Duration) (at []time.Duration) {
	for d := time.Duration(0); d < until; d += step {
		at = append(at, d)
	}
	return at
}

func TestOutageIsPostedOnceAndItsEndOnce(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 10*time.Minute, every(20*time.Second, 10*time.Minute)...)
	w.run(outageInput())
	require.Len(t, w.posts, 2)
	require.Equal(t, noon, w.posts[0].FirstAt)
	require.True(t, w.posts[0].OverAt.IsZero())
	end := w.posts[1]
	require.Equal(t, 60, end.Count, "thirty reports of two attempts each")
	require.Equal(t, 580*time.Second, end.LastAt.Sub(end.FirstAt))
	require.False(t, end.OverAt.IsZero())
}

func TestHiccupPostsNothing(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 3*time.Second, 0, 2*time.Second)
	w.run(outageInput())
	require.Empty(t, w.posts)
}

// Failures of the first seconds may arrive with a later signal.
func TestLateReportOfAHiccupMakesNoOutage(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 3*time.Second, 0)
	w.after(20*time.Second, func() {
		w.SignalWorkflow(workflows.SignalDown, messages.Down{Count: 9, FirstAt: noon.Add(time.Second), LastAt: noon.Add(2 * time.Second)})
	})
	w.run(outageInput())
	require.Empty(t, w.posts)
}

// A store may answer its probe and still fail.
func TestReportsOverruleTheProbe(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 0, every(30*time.Second, 5*time.Minute)...)
	w.run(outageInput())
	require.Len(t, w.posts, 2)
	require.Equal(t, 270*time.Second, w.posts[1].LastAt.Sub(w.posts[1].FirstAt))
}

// Without work no attempt fails of the outage, but the probe does.
func TestOutageIsNotOverWhileTheProbeFails(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, time.Hour, 0)
	w.run(outageInput())
	require.Len(t, w.posts, 2)
	require.Greater(t, w.posts[1].LastAt.Sub(noon), 58*time.Minute)
}

func TestOutageIsRepeatedWhileItLasts(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 9*time.Hour, 0)
	w.run(outageInput())
	require.Len(t, w.posts, 4)
	require.True(t, w.posts[1].Repeated)
	require.True(t, w.posts[2].Repeated)
	require.False(t, w.posts[3].OverAt.IsZero())
}

// In an outage of the alert webhook itself, both messages are posted when it is
// available again.
func TestOutageMessagesWaitForTheAlertWebhook(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 0, every(20*time.Second, 10*time.Minute)...)
	w.fail = func(activityType string, n int) error {
		if activityType == activities.TypePostOutage && w.Now().Sub(noon) < 20*time.Minute {
			return errors.New("the alert webhook is out")
		}
		return nil
	}
	w.run(outageInput())
	require.Len(t, w.posts, 2)
	require.True(t, w.posts[0].OverAt.IsZero())
	require.False(t, w.posts[1].OverAt.IsZero())
}

func TestSecondOutageIsPostedAnew(t *testing.T) {
	t.Parallel()
	first := every(20*time.Second, 2*time.Minute)
	// The end of the first is being posted from 160 s on.
	w := newOutageWorld(t, 0, append(first, 161*time.Second, 180*time.Second, 200*time.Second)...)
	w.fail = func(activityType string, n int) error {
		if activityType == activities.TypePostOutage && n > 1 && n < 5 {
			return errors.New("the alert webhook is slow")
		}
		return nil
	}
	w.run(outageInput())
	require.Len(t, w.posts, 4)
	for i, over := range []bool{false, true, false, true} {
		require.Equal(t, over, !w.posts[i].OverAt.IsZero(), "message %d", i)
	}
	require.Equal(t, noon.Add(161*time.Second), w.posts[2].FirstAt)
}

func TestOutageUsesTheIntervalsOfTheLatestReport(t *testing.T) {
	t.Parallel()
	w := newOutageWorld(t, 90*time.Minute, every(30*time.Second, 90*time.Minute)...)
	w.after(time.Minute, func() {
		w.SignalWorkflow(workflows.SignalDown, workflows.DownSignal{
			Down:      messages.Down{Dependency: orak.DependencyStore, FirstAt: w.Now(), LastAt: w.Now()},
			Intervals: &workflows.OutageIntervals{GroupWait: time.Second, RepeatInterval: time.Hour, Quiet: 5 * time.Minute},
		})
	})
	w.run(outageInput())
	require.Len(t, w.posts, 3, "posted, repeated after an hour instead of four, and over")
	require.True(t, w.posts[1].Repeated)
	require.GreaterOrEqual(t, w.posts[2].OverAt.Sub(noon), 94*time.Minute)
}
