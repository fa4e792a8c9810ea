package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak/activities"
	"orak/workflows"
)

// lakeOf is a LakeCompactor with that many pages.
type lakeOf struct {
	pages int
	since chan time.Time
}

// Compact implements activities.LakeCompactor.
func (l lakeOf) Compact(_ context.Context, p activities.LakePage) (activities.LakePageDone, error) {
	if p.Cursor == "" && l.since != nil {
		l.since <- p.Since
	}
	done := activities.LakePageDone{Counts: activities.LakeCounts{Examined: 1}}
	if len(p.Cursor)+1 < l.pages {
		done.Cursor = p.Cursor + "+"
	}
	return done, nil
}

func TestCompactLakeRunsInOneRunAndInSeveral(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"lake_compacted": 1, "lake_compacted_in_two_runs": 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cfg.LakeCompactInterval = 0
			r.deps.Lake = lakeOf{pages: n}
			r.start()
			run, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: name, TaskQueue: workflows.QueuePipeline},
				workflows.TypeCompactLake, workflows.CompactLakeInput{})
			require.NoError(t, err)
			first := run.GetRunID()
			var report workflows.CompactLakeReport
			require.NoError(t, run.Get(t.Context(), &report))
			require.Equal(t, n, report.Examined)
			require.False(t, report.EndedAt.IsZero())
			r.record(name, name)
			if n > 1 {
				r.recordRun(name+"_first", name, first)
			}
		})
	}
}

// The schedule hands on when the last run began, and may be ensured again.
func TestScheduledCompactionKnowsWhenTheLastOneBegan(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.LakeCompactInterval = time.Second
	l := lakeOf{pages: 1, since: make(chan time.Time, 10)}
	r.deps.Lake = l
	r.start()
	require.Zero(t, <-l.since)
	require.NotZero(t, <-l.since)
}
