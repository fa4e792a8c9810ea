package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"orak"
)

// ReconcileStep is one kind of inconsistency that the reconciliation looks for.
// The set is closed: it is a metric label.
type ReconcileStep string

// The steps, in their order.
const (
	// StepOutbox publishes or drops outbox markers that no API process took.
	StepOutbox ReconcileStep = "outbox"
	// StepMissing starts the workflows that the bridge did not start.
	StepMissing ReconcileStep = "missing"
	// StepClosed restarts uploads whose workflow was terminated, timed out or
	// failed.
	StepClosed ReconcileStep = "closed"
	// StepLetters compares dead letters with parked uploads.
	StepLetters ReconcileStep = "letters"
	// StepTasks reports open workflows whose workflow task fails.
	StepTasks ReconcileStep = "tasks"
)

// ReconcileSteps returns all steps in their order: the bridge starts what the
// outbox announces, and a restarted upload may park again.
func ReconcileSteps() []ReconcileStep {
	return []ReconcileStep{StepOutbox, StepMissing, StepClosed, StepLetters, StepTasks}
}

// ReconcilePage says what one call of a Mender examines, and how long the activity
// goes on with the pages after it.
type ReconcilePage struct {
	Step ReconcileStep `json:"step"`
	// For is how long further pages are begun; 0 means that there is one page.
	For time.Duration `json:"for,omitempty"`
	// Size is the maximum number of items to examine.
	Size int `json:"size"`
	// Mark is from the last run that finished the step; empty for the first run.
	// Cursor is from the previous page; empty for the first page.
	Mark   string `json:"mark,omitempty"`
	Cursor string `json:"cursor,omitempty"`
	// Began is when the run began, by the clock of its workflow.
	Began time.Time `json:"began"`
}

// Reconciled is the result of a page.
type Reconciled struct {
	Counts ReconcileCounts `json:"counts"`
	// Cursor is for the next page; empty after the last one. The Mark of the
	// last page is for the next run.
	Cursor string `json:"cursor,omitempty"`
	Mark   string `json:"mark,omitempty"`
}

// ReconcileCounts counts the items of a page or a step by their outcome.
type ReconcileCounts struct {
	// Examined are all markers, records, workflows and letters.
	Examined int `json:"examined"`
	// Published and Dropped are markers of the outbox.
	Published int `json:"published"`
	Dropped   int `json:"dropped"`
	// Started are uploads that had no workflow, Restarted those whose workflow
	// had closed; of these, Stuck were restarted too often and are parked.
	Started   int `json:"started"`
	Restarted int `json:"restarted"`
	Stuck     int `json:"stuck"`
	// Rewritten are dead letters that were missing; Strays are letters without a
	// parked workflow.
	Rewritten int `json:"rewritten"`
	Strays    int `json:"strays"`
	// Failing are open workflows whose workflow task fails: they wait for a
	// worker with different code.
	Failing int `json:"failing,omitempty"`
	// Errors are items that could not be examined or repaired; the next run tries
	// them again.
	Errors int `json:"errors"`
}

// Plus returns the sum of c and d.
func (c ReconcileCounts) Plus(d ReconcileCounts) ReconcileCounts {
	c.Examined += d.Examined
	c.Published += d.Published
	c.Dropped += d.Dropped
	c.Started += d.Started
	c.Restarted += d.Restarted
	c.Stuck += d.Stuck
	c.Rewritten += d.Rewritten
	c.Strays += d.Strays
	c.Failing += d.Failing
	c.Errors += d.Errors
	return c
}

// byOutcome returns the counts by the label of the metric.
func (c ReconcileCounts) byOutcome() map[string]int {
	return map[string]int{
		"examined": c.Examined, "published": c.Published, "dropped": c.Dropped, "started": c.Started,
		"restarted": c.Restarted, "stuck": c.Stuck, "rewritten": c.Rewritten, "stray": c.Strays, "failing": c.Failing, "error": c.Errors,
	}
}

// Mender finds and repairs one kind of inconsistency, page by page. A page may be
// repeated. The failure of one item is logged and counted; an error means that
// the whole page failed.
type Mender interface {
	Mend(ctx context.Context, p ReconcilePage) (Reconciled, error)
}

// ReconcilePage repairs pages of a step, one after another, for as long as p says or
// until the worker stops; the next activity continues at the Cursor of the result.
// How far it is, is in its heartbeats, so that another attempt continues there and
// the history of the workflow does not grow with the number of pages.
func (a *Activities) ReconcilePage(ctx context.Context, p ReconcilePage) (Reconciled, error) {
	m, ok := a.deps.Menders[p.Step]
	if !ok {
		// A newer or differently configured worker may know the step.
		return Reconciled{}, &orak.Fault{Class: orak.ClassInternal, Message: fmt.Sprintf("This worker does not know the step %.40q.", p.Step)}
	}
	last, err := lastHeartbeat(ctx)
	if err != nil {
		// Pages may be repeated.
		activity.GetLogger(ctx).Warn("heartbeat of the reconciliation cannot be read; repeating its pages", "step", string(p.Step), "error", err)
	}
	var done Reconciled
	if last.Reconciled != nil {
		done = *last.Reconciled
		p.Cursor = done.Cursor
	}
	beats := startHeartbeats(ctx, Heartbeat{Reconciled: last.Reconciled}, activity.GetInfo(ctx).HeartbeatTimeout)
	defer beats.stop()
	for until := time.Now().Add(p.For); ; {
		page, err := a.mend(ctx, m, p)
		if err != nil {
			return Reconciled{}, err
		}
		done = Reconciled{Counts: done.Counts.Plus(page.Counts), Cursor: page.Cursor, Mark: page.Mark}
		if done.Cursor == "" || !time.Now().Before(until) || stopping(ctx) {
			return done, nil
		}
		p.Cursor = done.Cursor
		beats.keep(done)
	}
}

// mend repairs one page.
func (a *Activities) mend(ctx context.Context, m Mender, p ReconcilePage) (Reconciled, error) {
	page, err := m.Mend(ctx, p)
	if err != nil {
		a.metrics.reconciled.WithLabelValues(string(p.Step), "error").Inc()
		return Reconciled{}, fmt.Errorf("reconciling, step %s: %w", p.Step, err)
	}
	for outcome, n := range page.Counts.byOutcome() {
		a.metrics.reconciled.WithLabelValues(string(p.Step), outcome).Add(float64(n))
	}
	a.metrics.reconcilePages.WithLabelValues(string(p.Step)).Inc()
	return page, nil
}
