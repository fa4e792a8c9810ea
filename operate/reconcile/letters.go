package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak"
	"orak/activities"
	"orak/events"
)

// errFull ends a page that has rewritten its share of letters.
var errFull = errors.New("the page is full")

// anotherPage is the cursor of every page of rewriteLetters but the first.
const anotherPage = "another"

// rewriteLetters writes the dead letters that parked uploads lack, and reports those
// without a parked upload. It reads what is new since the mark, and all retained
// letters every LettersEvery. Each page reads the same letters again, so that it finds
// those that were rewritten.
func (r *Reconciler) rewriteLetters(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
	mark, err := decode[time.Time](p.Mark)
	if err != nil {
		return done, err
	}
	c := r.comparison(r.windowOf(mark, p.Began), nil)
	c.visit = func(d Disagreement) error {
		if d.Kind != ParkedWithoutLetter {
			done.Counts.Strays++
			r.log.WarnContext(ctx, "dead letter without a workflow that waits for a decision", "kind", string(d.Kind),
				"workflow_id", d.WorkflowID, "cycle", d.Cycle, "written_at", d.At)
			return nil
		}
		if done.Counts.Rewritten == p.Size {
			return errFull
		}
		if err := r.rewrite(ctx, d); err != nil {
			if ctx.Err() != nil || orak.AsFault(err).Class == orak.ClassDependency {
				return err
			}
			done.Counts.Errors++
			c.postpone(d.At)
			r.log.ErrorContext(ctx, "writing a missing dead letter failed", "workflow_id", d.WorkflowID, "error", err)
			return nil
		}
		done.Counts.Rewritten++
		return nil
	}
	err = c.compare(ctx)
	done.Counts.Examined = c.compared.Letters + c.compared.Parked
	if errors.Is(err, errFull) {
		done.Cursor = anotherPage
		return done, nil
	}
	if err != nil {
		return done, err
	}
	next := p.Began
	if !c.undecided.IsZero() && c.undecided.Before(next) {
		next = c.undecided
	}
	done.Mark, err = encode(next)
	return done, err
}

// windowOf returns what a run compares that began then; the last one left mark.
// All is compared by the first run, and by the first after a multiple of
// LettersEvery, which needs no state.
func (r *Reconciler) windowOf(mark, began time.Time) window {
	if mark.IsZero() {
		return window{}
	}
	w := window{judged: mark.Add(-overlap)}
	every := r.deps.LettersEvery
	if every > 0 && mark.Truncate(every).Equal(began.Truncate(every)) {
		w.read = w.judged
	}
	return w
}

// rewrite writes the missing dead letter of a parked upload.
func (r *Reconciler) rewrite(ctx context.Context, d Disagreement) error {
	in, err := r.inputOf(ctx, d.WorkflowID, d.RunID)
	if err != nil {
		return err
	}
	if d.Progress.Failure == nil {
		return fmt.Errorf("rewriting the dead letter of %s: it has no failure", d.WorkflowID)
	}
	err = r.deps.Letters.PublishDeadLetter(ctx, events.DeadLetter{
		Origin: in.Origin, Failure: *d.Progress.Failure, WorkflowID: d.WorkflowID, RunID: d.RunID,
		WebUI: r.deps.Links.WorkflowURL(d.WorkflowID, d.RunID), Cycle: d.Cycle, FailedAt: d.At,
	})
	if err != nil {
		return fmt.Errorf("rewriting a dead letter: %w", err)
	}
	r.log.WarnContext(ctx, "missing dead letter written again", "upload_id", in.Upload.ID, "tenant", in.Upload.Tenant,
		"workflow_id", d.WorkflowID, "run_id", d.RunID, "cycle", d.Cycle)
	return nil
}
