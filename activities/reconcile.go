package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"orak"
)

// ReconcileStep is one kind of thing that can slip through. The set is closed:
// metric labels carry it.
type ReconcileStep string

// The steps, in their order.
const (
	// StepOutbox settles markers that no API process settled.
	StepOutbox ReconcileStep = "outbox"
	// StepMissing starts the workflows that the bridge passed by.
	StepMissing ReconcileStep = "missing"
	// StepClosed starts again what was terminated, timed out or failed.
	StepClosed ReconcileStep = "closed"
	// StepLetters compares dead letters with what is parked.
	StepLetters ReconcileStep = "letters"
	// StepTasks reports open workflows whose workflow task fails.
	StepTasks ReconcileStep = "tasks"
)

// ReconcileSteps are all of them, in their order: what the outbox announces
// is the bridge's to start, what is started again may park anew.
func ReconcileSteps() []ReconcileStep {
	return []ReconcileStep{StepOutbox, StepMissing, StepClosed, StepLetters, StepTasks}
}

// ReconcilePage is what one call of a Mender looks at.
type ReconcilePage struct {
	Step ReconcileStep `json:"step"`
	// Size is how many items are examined at most.
	Size int `json:"size"`
	// Mark is what the last run that came to the step's end left; empty for
	// the first. Cursor is what the page before left; empty for the first.
	Mark   string `json:"mark,omitempty"`
	Cursor string `json:"cursor,omitempty"`
	// Began is when the run did, by the clock of its workflow.
	Began time.Time `json:"began"`
}

// Reconciled is what became of a page.
type Reconciled struct {
	Counts ReconcileCounts `json:"counts"`
	// Cursor goes into the next page; empty after the last one, whose Mark
	// then goes into the next run.
	Cursor string `json:"cursor,omitempty"`
	Mark   string `json:"mark,omitempty"`
}

// ReconcileCounts counts what was found, and what became of it.
type ReconcileCounts struct {
	// Examined are the markers, records, workflows and letters looked at.
	Examined int `json:"examined"`
	// Published and Dropped are markers of the outbox.
	Published int `json:"published"`
	Dropped   int `json:"dropped"`
	// Started are uploads that had no workflow, Restarted those whose workflow
	// was gone; of these, Stuck were restarted too often and are parked.
	Started   int `json:"started"`
	Restarted int `json:"restarted"`
	Stuck     int `json:"stuck"`
	// Rewritten are dead letters that were missing; Strays are letters that no
	// workflow answers to.
	Rewritten int `json:"rewritten"`
	Strays    int `json:"strays"`
	// Failing are open workflows whose workflow task fails: they wait for a
	// worker with other code.
	Failing int `json:"failing,omitempty"`
	// Errors are items that could not be examined or mended; the next run
	// meets them again.
	Errors int `json:"errors"`
}

// Plus is c and d together.
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

// byOutcome names the counts as metrics do.
func (c ReconcileCounts) byOutcome() map[string]int {
	return map[string]int{
		"examined": c.Examined, "published": c.Published, "dropped": c.Dropped, "started": c.Started,
		"restarted": c.Restarted, "stuck": c.Stuck, "rewritten": c.Rewritten, "stray": c.Strays, "failing": c.Failing, "error": c.Errors,
	}
}

// Mender finds what slipped through in one way, and mends it, page by page. A
// page may be repeated. What fails for one item is logged and counted; an
// error means that the page as a whole could not be done.
type Mender interface {
	Mend(ctx context.Context, p ReconcilePage) (Reconciled, error)
}

// ReconcilePage mends one page of a step.
func (a *Activities) ReconcilePage(ctx context.Context, p ReconcilePage) (Reconciled, error) {
	m, ok := a.deps.Menders[p.Step]
	if !ok {
		// Another worker may be newer, or have what this one was not given.
		return Reconciled{}, &orak.Fault{Class: orak.ClassInternal, Message: fmt.Sprintf("This worker does not know the step %.40q.", p.Step)}
	}
	beats := startHeartbeats(ctx, Heartbeat{}, activity.GetInfo(ctx).HeartbeatTimeout)
	done, err := m.Mend(ctx, p)
	beats.stop()
	if err != nil {
		a.metrics.reconciled.WithLabelValues(string(p.Step), "error").Inc()
		return Reconciled{}, fmt.Errorf("reconciling, step %s: %w", p.Step, err)
	}
	for outcome, n := range done.Counts.byOutcome() {
		a.metrics.reconciled.WithLabelValues(string(p.Step), outcome).Add(float64(n))
	}
	a.metrics.reconcilePages.WithLabelValues(string(p.Step)).Inc()
	return done, nil
}
