package workflows_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"orak/activities"
	"orak/internal/config"
	"orak/workflows"
)

// reconciling returns a world with n pages in the step missing, of one started
// upload each, and one page in each other step.
func reconciling(t *testing.T, n int) (w *world, asked *[]activities.ReconcilePage) {
	t.Helper()
	w, asked = newWorld(t), &[]activities.ReconcilePage{}
	w.RegisterWorkflowWithOptions(workflows.New(config.MustDefaults[workflows.Settings]()).Reconcile, workflow.RegisterOptions{Name: workflows.TypeReconcile})
	w.activity(activities.TypeReconcilePage, func(_ context.Context, p activities.ReconcilePage) (activities.Reconciled, error) {
		w.note(func() { *asked = append(*asked, p) })
		if err := w.attempt(string(p.Step)); err != nil {
			return activities.Reconciled{}, err
		}
		done := activities.Reconciled{Counts: activities.ReconcileCounts{Examined: 1}, Mark: "after " + string(p.Step)}
		if p.Step != activities.StepMissing {
			return done, nil
		}
		done.Counts.Started = 1
		at, _ := strconv.Atoi(p.Cursor)
		if at+1 < n {
			done.Cursor = strconv.Itoa(at + 1)
		}
		return done, nil
	})
	return w, asked
}

func reportOf(t *testing.T, w *world) (r workflows.ReconcileReport) {
	t.Helper()
	require.NoError(t, w.GetWorkflowError())
	require.NoError(t, w.GetWorkflowResult(&r))
	return r
}

func TestReconcileRunsItsStepsInOrder(t *testing.T) {
	t.Parallel()
	w, asked := reconciling(t, 3)
	w.ExecuteWorkflow(workflows.TypeReconcile, workflows.ReconcileInput{Page: 7})
	r := reportOf(t, w)
	var steps []activities.ReconcileStep
	for _, p := range *asked {
		steps = append(steps, p.Step)
		require.Equal(t, 7, p.Size)
		require.Empty(t, p.Mark)
		require.Equal(t, noon, p.Began.UTC())
	}
	require.Equal(t, []activities.ReconcileStep{"outbox", "missing", "missing", "missing", "closed", "letters", "tasks"}, steps)
	require.Equal(t, activities.ReconcileCounts{Examined: 7, Started: 3}, r.Total())
	require.Equal(t, noon, r.BeganAt)
	require.False(t, r.EndedAt.IsZero())
	require.Len(t, r.Marks, 5)
	require.Empty(t, r.GaveUp)
}

func TestReconcileBeginsWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	w, asked := reconciling(t, 1)
	w.SetLastCompletionResult(workflows.ReconcileReport{Marks: map[activities.ReconcileStep]string{activities.StepClosed: "then"},
		Steps: map[activities.ReconcileStep]activities.ReconcileCounts{activities.StepClosed: {Examined: 99}}})
	w.ExecuteWorkflow(workflows.TypeReconcile, workflows.ReconcileInput{Page: 1})
	require.Equal(t, 5, reportOf(t, w).Total().Examined, "it counts its own items")
	for _, p := range *asked {
		require.Equal(t, p.Step == activities.StepClosed, p.Mark == "then", p.Step)
	}
}

func TestReconcileContinuesAfterAFailedStep(t *testing.T) {
	t.Parallel()
	w, _ := reconciling(t, 1)
	w.SetLastCompletionResult(workflows.ReconcileReport{Marks: map[activities.ReconcileStep]string{activities.StepMissing: "then"}})
	w.fail = func(name string, _ int) error {
		if name == string(activities.StepMissing) {
			return errors.New("Kafka is unavailable")
		}
		return nil
	}
	w.ExecuteWorkflow(workflows.TypeReconcile, workflows.ReconcileInput{Page: 1})
	r := reportOf(t, w)
	require.Equal(t, []activities.ReconcileStep{activities.StepMissing}, r.GaveUp)
	require.Equal(t, activities.ReconcileCounts{Examined: 4, Errors: 1}, r.Total())
	require.Equal(t, "then", r.Marks[activities.StepMissing], "the next one begins there again")
	require.Equal(t, "after letters", r.Marks[activities.StepLetters])
	require.Less(t, r.EndedAt.Sub(r.BeganAt), time.Hour)
}

func TestReconcileRetriesAnOutage(t *testing.T) {
	t.Parallel()
	w, _ := reconciling(t, 1)
	w.fail = func(name string, n int) error {
		if name == string(activities.StepMissing) && n < 10 {
			return errors.New("Kafka is unavailable")
		}
		return nil
	}
	w.ExecuteWorkflow(workflows.TypeReconcile, workflows.ReconcileInput{Page: 1})
	r := reportOf(t, w)
	require.Empty(t, r.GaveUp)
	require.Equal(t, 1, r.Total().Started)
}

// Wherever a run continues as new, within a step or between two, no page is skipped
// and none is repeated.
func TestReconcileContinuesAsNew(t *testing.T) {
	t.Parallel()
	for _, n := range []int{22, 23, 24, 25, 49} {
		in, pages := workflows.ReconcileInput{Page: 1}, 0
		for range 4 {
			w, asked := reconciling(t, n)
			w.ExecuteWorkflow(workflows.TypeReconcile, in)
			pages += len(*asked)
			var again *workflow.ContinueAsNewError
			if !errors.As(w.GetWorkflowError(), &again) {
				r := reportOf(t, w)
				require.Equal(t, activities.ReconcileCounts{Examined: n + 4, Started: n}, r.Total(), n)
				require.Equal(t, n+4, pages)
				break
			}
			require.LessOrEqual(t, len(*asked), 25)
			in = workflows.ReconcileInput{}
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
		}
		require.Equal(t, n+4, pages)
	}
}

func TestReconcileRefusesAnUnknownStep(t *testing.T) {
	t.Parallel()
	w, _ := reconciling(t, 1)
	w.ExecuteWorkflow(workflows.TypeReconcile, workflows.ReconcileInput{Resume: &workflows.ResumeReconcile{Step: "of tomorrow"}})
	require.ErrorContains(t, w.GetWorkflowError(), `unknown step "of tomorrow"`)
}
