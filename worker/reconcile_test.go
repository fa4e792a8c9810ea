package worker_test

import (
	"context"
	"errors"
	"sync"
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

// cutOff is a Mender of 30 pages that fails once, at a page.
type cutOff struct {
	at   int
	mu   sync.Mutex
	seen []int
}

// Mend implements activities.Mender.
func (c *cutOff) Mend(ctx context.Context, p activities.ReconcilePage) (activities.Reconciled, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, len(p.Cursor))
	if len(p.Cursor) == c.at && len(c.seen) == c.at+1 {
		return activities.Reconciled{}, errors.New("Kafka is unavailable")
	}
	return pages(30).Mend(ctx, p)
}

// The server has the place and the counts of an attempt in its last heartbeat.
func TestReconcileContinuesAtThePageThatFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.ReconcileInterval = 0
	r.deps.Menders = map[activities.ReconcileStep]activities.Mender{}
	for _, step := range activities.ReconcileSteps() {
		r.deps.Menders[step] = pages(1)
	}
	cut := &cutOff{at: 12}
	r.deps.Menders[activities.StepMissing] = cut
	r.start()
	run, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "cut_off", TaskQueue: workflows.QueuePipeline},
		workflows.TypeReconcile, workflows.ReconcileInput{Page: 1})
	require.NoError(t, err)
	var report workflows.ReconcileReport
	require.NoError(t, run.Get(t.Context(), &report))
	require.Equal(t, 30, report.Steps[activities.StepMissing].Examined, "no page counts twice")
	require.Len(t, cut.seen, 31)
	require.Equal(t, []int{11, 12, 12, 13}, cut.seen[11:15], "it goes on at the page that failed")
	d, err := r.client.DescribeWorkflowExecution(t.Context(), "cut_off", "")
	require.NoError(t, err)
	require.Less(t, d.GetWorkflowExecutionInfo().GetHistoryLength(), int64(60), "a step is one activity")
}
