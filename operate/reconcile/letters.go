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

// errFull ends a page that has rewritten enough.
var errFull = errors.New("the page is full")

// anotherPage tells a page of mendLetters that it is not the first.
const anotherPage = "another"

// mendLetters writes the dead letters that parked uploads lack, and reports
// those that no workflow answers to. A page reads the whole topic again, so
// that what was rewritten is found there.
func (r *Reconciler) mendLetters(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
	since, err := decode[time.Time](p.Mark)
	if err != nil {
		return done, err
	}
	if !since.IsZero() {
		since = since.Add(-overlap)
	}
	compared, err := r.Verify(ctx, since, func(d Disagreement) error {
		if d.Kind != ParkedWithoutLetter {
			done.Counts.Strays++
			r.log.WarnContext(ctx, "a dead letter has no workflow that waits for a decision", "kind", string(d.Kind),
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
			r.log.ErrorContext(ctx, "a missing dead letter could not be written", "workflow_id", d.WorkflowID, "error", err)
			return nil
		}
		done.Counts.Rewritten++
		return nil
	})
	done.Counts.Examined = compared.Letters + compared.Parked
	if errors.Is(err, errFull) {
		done.Cursor = anotherPage
		return done, nil
	}
	if err != nil {
		return done, err
	}
	done.Mark, err = encode(p.Began)
	return done, err
}

// rewrite writes the dead letter of a parked upload again, as it was to be.
func (r *Reconciler) rewrite(ctx context.Context, d Disagreement) error {
	in, err := r.inputOf(ctx, d.WorkflowID, d.RunID)
	if err != nil {
		return err
	}
	if d.Progress.Failure == nil {
		return fmt.Errorf("rewriting the dead letter of %s: it says of no failure", d.WorkflowID)
	}
	err = r.deps.Letters.PublishDeadLetter(ctx, events.DeadLetter{
		Origin: in.Origin, Failure: *d.Progress.Failure, WorkflowID: d.WorkflowID, RunID: d.RunID,
		WebUI: r.deps.Links.WorkflowURL(d.WorkflowID, d.RunID), Cycle: d.Cycle, FailedAt: d.At,
	})
	if err != nil {
		return fmt.Errorf("rewriting a dead letter: %w", err)
	}
	r.log.WarnContext(ctx, "a dead letter that was missing was written again", "upload_id", in.Upload.ID, "tenant", in.Upload.Tenant,
		"workflow_id", d.WorkflowID, "run_id", d.RunID, "cycle", d.Cycle)
	return nil
}
