package worker_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak/activities"
	"orak/workflows"
)

// pages is a Mender with that many pages.
type pages int

// Mend implements activities.Mender.
func (n pages) Mend(_ context.Context, p activities.ReconcilePage) (activities.Reconciled, error) {
	done := activities.Reconciled{Counts: activities.ReconcileCounts{Examined: 1}, Mark: `"mark"`}
	if len(p.Cursor)+1 < int(n) {
		done.Cursor = p.Cursor + "+"
	}
	return done, nil
}

func TestReconcileRunsInOneRunAndInSeveral(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]pages{"reconciled": 1, "reconciled_in_two_runs": 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cfg.ReconcileInterval = 0
			r.deps.Menders = map[activities.ReconcileStep]activities.Mender{}
			for _, step := range activities.ReconcileSteps() {
				r.deps.Menders[step] = pages(1)
			}
			r.deps.Menders[activities.StepMissing] = n
			r.start()
			run, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: name, TaskQueue: workflows.QueuePipeline},
				workflows.TypeReconcile, workflows.ReconcileInput{Page: 1})
			require.NoError(t, err)
			first := run.GetRunID()
			var report workflows.ReconcileReport
			require.NoError(t, run.Get(t.Context(), &report))
			require.Equal(t, int(n)+4, report.Total().Examined)
			r.record(name+"_with_tasks", name)
			if n > 1 {
				r.recordRun(name+"_with_tasks_first", name, first)
			}
		})
	}
}
