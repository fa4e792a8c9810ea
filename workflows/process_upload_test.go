package workflows_test

import (
	"encoding/json"
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
	var attributes []int
	w.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		attributes = append(attributes, args.Get(0).(temporal.SearchAttributes).Size())
	}).Return(nil)
	_, err := w.process()
	require.NoError(t, err)
	require.Equal(t, []orak.Status{orak.StatusConverting, orak.StatusAnalyzing, orak.StatusCompleted}, memos)
	require.Equal(t, []int{3, 2, 1}, attributes, "only what changes is written; what is removed is not counted")
	require.Equal(t, 1, w.runs[activities.TypeConclude])
}

// What cannot be concluded at once is shown as publishing while an activity tries.
func TestPublishingIsShownWhereItTakesAnActivity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeConclude, 3, orak.ClassDependency)
	shown := w.shown()
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, []orak.Status{orak.StatusConverting, orak.StatusAnalyzing, orak.StatusPublishing, orak.StatusCompleted}, *shown)
	require.Equal(t, []string{"converted", "analyzed", "completed"}, w.eventTypes())
	require.Len(t, w.outcomes, 1)
	require.Equal(t, 4, w.runs[activities.TypeConclude])
}

// During a rolling deployment, workers of the version before may run the stages.
func TestStagesOfEarlierWorkersAreFinishedByTheWorkflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.earlierWorkers = true
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, []string{"converted", "analyzed", "completed"}, w.eventTypes())
	require.Equal(t, 2, w.runs[activities.TypeAnnounce])
	require.Equal(t, 1, w.runs[activities.TypeStoreAnalysis])
}

// The event that a stage could not publish and that of the workflow are one to a
// consumer that drops repeats.
func TestStageEventIsTheSameFromTheWorkflow(t *testing.T) {
	t.Parallel()
	var ids [2][]string
	for i, fail := range []func(string, int) error{failing("", 0, ""), failing(stageEvent, 2, orak.ClassDependency)} {
		w := newWorld(t)
		w.fail = fail
		_, err := w.process()
		require.NoError(t, err)
		for _, e := range w.events {
			e.At = time.Time{}
			text, err := json.Marshal(e)
			require.NoError(t, err)
			ids[i] = append(ids[i], string(text))
		}
	}
	require.Len(t, ids[0], 3)
	require.Equal(t, ids[0][:2], ids[1][:2])
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

// withoutKafka makes the first n attempts of the workflow to publish an event fail, and
// those of every stage.
func withoutKafka(n int) func(string, int) error {
	return func(activityType string, attempt int) error {
		if activityType == stageEvent || activityType == activities.TypeAnnounce && attempt <= n {
			return &orak.Fault{Class: orak.ClassDependency}
		}
		return nil
	}
}

func TestEventsAreRetriedThroughAKafkaOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = withoutKafka(9)
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
