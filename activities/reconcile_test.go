package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
)

// mending is a Mender that calls itself for each page.
type mending func(ReconcilePage) (Reconciled, error)

// Mend implements Mender.
func (m mending) Mend(_ context.Context, p ReconcilePage) (Reconciled, error) { return m(p) }

// tenPages has one item on each of ten pages.
func tenPages(seen *[]string) mending {
	return func(p ReconcilePage) (Reconciled, error) {
		*seen = append(*seen, p.Cursor)
		done := Reconciled{Counts: ReconcileCounts{Examined: 1}}
		if len(p.Cursor) == 9 {
			done.Mark = "mark"
		} else {
			done.Cursor = p.Cursor + "+"
		}
		return done, nil
	}
}

func reconcilePage(t *testing.T, m Mender, before *Heartbeat, p ReconcilePage) (done Reconciled, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	if before != nil {
		env.SetHeartbeatDetails(*before)
	}
	a := &Activities{deps: Deps{Menders: map[ReconcileStep]Mender{StepMissing: m}}, metrics: newMetrics(nil)}
	env.RegisterActivityWithOptions(a.ReconcilePage, activity.RegisterOptions{Name: TypeReconcilePage})
	p.Step = StepMissing
	out, err := env.ExecuteActivity(TypeReconcilePage, p)
	if err != nil {
		return done, err
	}
	return done, out.Get(&done)
}

func TestReconcileStreamsItsPagesWithinOneActivity(t *testing.T) {
	t.Parallel()
	var seen []string
	done, err := reconcilePage(t, tenPages(&seen), nil, ReconcilePage{For: time.Minute})
	require.NoError(t, err)
	require.Equal(t, Reconciled{Counts: ReconcileCounts{Examined: 10}, Mark: "mark"}, done)
	require.Len(t, seen, 10)
}

// A workflow of an older version asks for one page, and hands on the cursor itself.
func TestReconcileDoesOnePageWhereNoTimeIsGiven(t *testing.T) {
	t.Parallel()
	var seen []string
	done, err := reconcilePage(t, tenPages(&seen), nil, ReconcilePage{Cursor: "++"})
	require.NoError(t, err)
	require.Equal(t, Reconciled{Counts: ReconcileCounts{Examined: 1}, Cursor: "+++"}, done)
	require.Equal(t, []string{"++"}, seen)
}

func TestReconcileContinuesAtItsHeartbeat(t *testing.T) {
	t.Parallel()
	var seen []string
	before := &Heartbeat{Reconciled: &Reconciled{Counts: ReconcileCounts{Examined: 7, Started: 2}, Cursor: "+++++++"}}
	done, err := reconcilePage(t, tenPages(&seen), before, ReconcilePage{For: time.Minute})
	require.NoError(t, err)
	require.Equal(t, Reconciled{Counts: ReconcileCounts{Examined: 10, Started: 2}, Mark: "mark"}, done)
	require.Equal(t, []string{"+++++++", "++++++++", "+++++++++"}, seen)
}

func TestReconcileEndsAfterItsTimeWithACursor(t *testing.T) {
	t.Parallel()
	var seen []string
	pages := tenPages(&seen)
	slow := mending(func(p ReconcilePage) (Reconciled, error) {
		for began := time.Now(); time.Since(began) < 10*time.Millisecond; {
			continue
		}
		return pages(p)
	})
	done, err := reconcilePage(t, slow, nil, ReconcilePage{For: 15 * time.Millisecond})
	require.NoError(t, err)
	require.NotEmpty(t, done.Cursor)
	require.Equal(t, len(done.Cursor), done.Counts.Examined)
	require.Less(t, len(seen), 10)
}

func TestReconcileFailsWithItsPage(t *testing.T) {
	t.Parallel()
	_, err := reconcilePage(t, mending(func(ReconcilePage) (Reconciled, error) { return Reconciled{}, errors.New("Kafka is unavailable") }), nil, ReconcilePage{For: time.Minute})
	require.ErrorContains(t, err, "reconciling, step missing: Kafka is unavailable")
}
