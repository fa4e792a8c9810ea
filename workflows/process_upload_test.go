package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

func TestUploadRunsThroughItsStages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Empty(t, p.Stage)
	require.Nil(t, p.Failure)
	require.Equal(t, []string{"converted", "analyzed", "completed"}, w.eventTypes())
	require.Len(t, w.outcomes, 1)
	require.Equal(t, orak.StatusCompleted, w.outcomes[0].Status)
	require.Empty(t, w.letters)
	require.Empty(t, w.alerts)

	last := w.events[2]
	require.Equal(t, events.EndID(input().Upload.ID, 0), last.ID)
	require.NotEmpty(t, last.Lifecycle.AudioKey)
	require.NotEmpty(t, last.Lifecycle.PitchKey)
	require.NotEmpty(t, last.Lifecycle.AnalysisKey)
	require.Empty(t, w.events[0].Lifecycle.PitchKey)
}

func TestStatusChangesAreShownOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var memos []orak.Status
	w.OnUpsertMemo(mock.Anything).Run(func(args mock.Arguments) {
		memos = append(memos, args.Get(0).(map[string]any)[workflows.MemoProgress].(orak.Progress).Status)
	}).Return(nil)
	attributes := 0
	w.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(mock.Arguments) { attributes++ }).Return(nil)
	_, err := w.process()
	require.NoError(t, err)
	require.Equal(t, []orak.Status{orak.StatusConverting, orak.StatusAnalyzing, orak.StatusPublishing, orak.StatusCompleted}, memos)
	require.Equal(t, len(memos), attributes)
}

func TestTransientFailureIsRetriedWithinTheBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 2, orak.ClassTransient)
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, 3, w.runs[activities.TypeConvert])
	require.Empty(t, w.letters)
}

// (The test environment makes at most ten attempts.)
func TestOutageMakesNoDeadLetter(t *testing.T) {
	t.Parallel()
	for _, class := range []orak.Class{orak.ClassDependency, orak.ClassOverload} {
		w := newWorld(t)
		w.fail = failing(activities.TypeAnalyze, 9, class)
		p, err := w.process()
		require.NoError(t, err)
		require.Equal(t, orak.StatusCompleted, p.Status)
		require.Equal(t, 10, w.runs[activities.TypeAnalyze])
		require.Empty(t, w.letters)
		require.Greater(t, p.UpdatedAt.Sub(noon), time.Minute)
	}
}

func TestSpentAttemptsParkTheUploadAndAnnounceIt(t *testing.T) {
	t.Parallel()
	for class, attempts := range map[orak.Class]int{
		orak.ClassTransient: 3, orak.ClassModel: 3, orak.ClassInput: 1, orak.ClassInternal: 1,
	} {
		w := newWorld(t)
		w.fail = failing(activities.TypeAnalyze, 99, class)
		w.after(time.Hour, func() {
			p := w.status()
			require.Equal(t, orak.StatusDeadLettered, p.Status)
			require.Equal(t, orak.StageAnalyze, p.Stage)
			require.Equal(t, class, p.Failure.Class)
			require.Equal(t, attempts, p.Failure.Attempts)
			w.CancelWorkflow()
		})
		_, err := w.process()
		require.True(t, temporal.IsCanceledError(err))
		require.Equal(t, attempts, w.runs[activities.TypeAnalyze])

		require.Len(t, w.letters, 1)
		require.Equal(t, input().Origin, w.letters[0].Origin)
		require.Equal(t, "It did not work.", w.letters[0].Failure.Message)
		require.NotEmpty(t, w.letters[0].RunID)
		require.Len(t, w.alerts, 1)
		require.Equal(t, class, w.alerts[0].Class)
		require.Equal(t, []string{"converted", "dead_lettered", "canceled"}, w.eventTypes())
		require.Equal(t, w.events[1].ID, w.alerts[0].ID)
	}
}

func TestEventsAreRetriedThroughAKafkaOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeAnnounce, 9, orak.ClassInternal)
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, []string{"converted", "analyzed", "completed"}, w.eventTypes())
}

func TestCanceledUploadAnnouncesItAndStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 1000, orak.ClassDependency)
	w.after(time.Minute, w.CancelWorkflow)
	p, err := w.process()
	require.True(t, temporal.IsCanceledError(err))
	require.Equal(t, orak.StatusCanceled, p.Status)
	require.Equal(t, []string{"canceled"}, w.eventTypes())
	require.Len(t, w.outcomes, 1)
	require.Equal(t, orak.StatusCanceled, w.outcomes[0].Status)
	require.Zero(t, w.runs[activities.TypeAnalyze])
}

func TestParkedUploadExpiresWithItsOriginalCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConvert, 99, orak.ClassInput)
	w.after(7*24*time.Hour-time.Minute, func() { require.Equal(t, orak.StatusDeadLettered, w.status().Status) })
	p, err := w.process()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, string(orak.ClassInput), app.Type())
	require.Equal(t, "It did not work.", app.Message())
	require.Equal(t, orak.StatusExpired, p.Status)
	require.Equal(t, []string{"dead_lettered", "expired"}, w.eventTypes())
	require.Equal(t, orak.StatusExpired, w.outcomes[0].Status)
	require.Equal(t, orak.ClassInput, w.outcomes[0].Failure.Class)
}
