package workflows_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

// brief returns marks without their times, messages and stages.
func brief(marks []orak.Mark) (brief []string) {
	for _, m := range marks {
		brief = append(brief, fmt.Sprintf("%s %s %d", m.Kind, m.Class, m.Attempt))
	}
	return brief
}

func TestTimelineRecordsWhatHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = failing(activities.TypeAnalyze, 4, orak.ClassModel)
	w.after(time.Hour, func() {
		require.Equal(t, []string{"attempt_failed model 1", "attempt_failed model 2", "attempt_failed model 3", "dead_lettered model 0"},
			brief(w.status().Timeline))
		w.update(workflows.SignalReprocess, workflows.Reprocess{From: orak.StageConvert, By: "ada", Reason: "fixed"}, "")
	})
	p, err := w.process()
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, p.Status)
	last := p.Timeline[len(p.Timeline)-1]
	require.Equal(t, orak.Mark{At: noon.Add(time.Hour), Kind: orak.MarkReprocessed, Stage: orak.StageConvert, By: "ada", Reason: "fixed"}, last)
	require.Equal(t, orak.StageAnalyze, p.Timeline[0].Stage)
	require.Equal(t, "It did not work.", p.Timeline[0].Message)
	require.Equal(t, p.Timeline, w.outcomes[0].Timeline)
}

func TestLongTimelineKeepsItsFirstAndLatestMarks(t *testing.T) {
	t.Parallel()
	const cycles = 10
	w := newWorld(t)
	w.fail = func(name string, n int) error {
		if name == activities.TypeConvert && n <= cycles {
			return &orak.Fault{Class: orak.ClassInput, Message: fmt.Sprint("No. ", n)}
		}
		return nil
	}
	for n := range cycles {
		w.after(time.Duration(n+1)*time.Hour, func() {
			require.LessOrEqual(t, len(w.status().Timeline), orak.MaxMarks)
			w.SignalWorkflow(workflows.SignalReprocess, nil)
		})
	}
	p, err := w.process()
	require.NoError(t, err)
	require.Len(t, p.Timeline, orak.MaxMarks)
	require.Equal(t, "No. 1", p.Timeline[0].Message)
	require.Equal(t, orak.MarkReprocessed, p.Timeline[orak.MaxMarks-1].Kind)
}

func TestTimelineMarksAnUnclassifiedFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OnActivity(activities.TypeAnalyze, mock.Anything, mock.Anything).Return(nil, errors.New("not the interceptor's"))
	w.after(24*time.Hour, w.CancelWorkflow)
	p, err := w.process()
	require.True(t, temporal.IsCanceledError(err))
	require.Equal(t, []string{"attempt_failed internal 0", "dead_lettered internal 0"}, brief(p.Timeline))
}

func TestFirstCauseIsKeptWhenReprocessingFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail = func(name string, n int) error {
		if name == activities.TypeConvert && n <= 3 {
			return &orak.Fault{Class: []orak.Class{orak.ClassInput, orak.ClassInternal, orak.ClassInput}[n-1], Message: fmt.Sprint("No. ", n)}
		}
		return nil
	}
	w.after(time.Hour, func() {
		require.Nil(t, w.status().First, "there was one cycle so far")
		w.SignalWorkflow(workflows.SignalReprocess, nil)
	})
	w.after(2*time.Hour, func() {
		require.Equal(t, "No. 2", w.status().Failure.Message)
		require.Equal(t, "No. 1", w.status().First.Message)
		w.SetContinueAsNewSuggested(true)
		w.SignalWorkflow(workflows.SignalReprocess, workflows.Reprocess{From: "polish"}) // it wakes up
	})
	w.ExecuteWorkflow(workflows.TypeProcessUpload, input())
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	require.Nil(t, w.letters[0].First)
	require.Equal(t, "No. 1", w.letters[1].First.Message)
	require.Equal(t, 1, w.letters[1].Cycle)

	next := newWorld(t)
	next.SetStartTime(noon.Add(2 * time.Hour))
	next.fail = failing(activities.TypeConvert, 1, orak.ClassModel)
	in := resumed(t, again)
	marks := len(in.Resume.Progress.Timeline)
	next.after(time.Hour, func() { next.SignalWorkflow(workflows.SignalReprocess, nil) })
	next.fail = failing(activities.TypeConvert, 9, orak.ClassInternal)
	next.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	var app *temporal.ApplicationError
	require.ErrorAs(t, next.GetWorkflowError(), &app, "it expired")
	require.Equal(t, string(orak.ClassInternal), app.Type(), "with the failure that parked it")
	require.ErrorContains(t, errors.Unwrap(app), "No. 1", "and the first one")
	p := next.status()
	require.Equal(t, 2, p.Cycle)
	require.Equal(t, "No. 1", p.First.Message)
	require.Equal(t, "No. 1", next.letters[0].First.Message)
	require.Len(t, p.Timeline, marks+3)
}

func TestTimelineMarksARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := input()
	in.Restarts = workflows.MaxRestarts
	w.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	require.NoError(t, w.GetWorkflowError())
	p := w.status()
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, workflows.MaxRestarts, p.Restarts)
	require.Equal(t, []orak.Mark{{At: noon, Kind: orak.MarkRestarted}}, p.Timeline)
}

func TestUploadParksAsStuckAfterTooManyRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := input()
	in.Restarts = workflows.MaxRestarts + 1
	w.after(time.Hour, func() {
		p := w.status()
		require.Equal(t, orak.StatusDeadLettered, p.Status)
		require.Equal(t, orak.StageConvert, p.Failure.Stage)
		require.Equal(t, orak.ClassInternal, p.Failure.Class)
		require.Equal(t, "This upload was restarted 3 times and did not end.", p.Failure.Message)
		require.Equal(t, []string{"restarted  0", "dead_lettered internal 0"}, brief(p.Timeline))
		require.Empty(t, w.runs[activities.TypeConvert])
		require.Len(t, w.letters, 1)
		require.Len(t, w.alerts, 1)
		require.Equal(t, []string{"dead_lettered"}, w.eventTypes())
		w.SignalWorkflow(workflows.SignalReprocess, nil)
	})
	w.ExecuteWorkflow(workflows.TypeProcessUpload, in)
	require.NoError(t, w.GetWorkflowError())
	p := w.status()
	require.Equal(t, orak.StatusCompleted, p.Status)
	require.Equal(t, workflows.MaxRestarts+1, p.Restarts)
	require.Equal(t, events.Completed, w.events[len(w.events)-1].Type)
}
