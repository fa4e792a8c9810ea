package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/activities"
	"orak/workflows"
)

// closedCursor is what is left of a run: the workflows that closed from Since up to
// Until, from page Token on.
type closedCursor struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Token []byte    `json:"token"`
	// Next is where the next run begins, apart from the overlap.
	Next time.Time `json:"next"`
}

// restartClosed starts uploads again whose workflow was closed before their end.
func (r *Reconciler) restartClosed(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
	c, err := decode[closedCursor](p.Cursor)
	if err != nil {
		return done, err
	}
	if p.Cursor == "" {
		last, err := decode[time.Time](p.Mark)
		if err != nil {
			return done, err
		}
		c.Until, c.Next = p.Began, p.Began
		if !last.IsZero() {
			c.Since = last.Add(-overlap)
		}
	}
	page, err := r.deps.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: r.deps.Namespace, PageSize: int32(p.Size), NextPageToken: c.Token, Query: c.query(),
	})
	if err != nil {
		return done, fmt.Errorf("listing closed workflows: %w", err)
	}
	for _, listed := range page.GetExecutions() {
		done.Counts.Examined++
		if r.reachedItsEnd(listed) {
			continue
		}
		restarts, err := r.restart(ctx, listed.GetExecution().GetWorkflowId())
		switch {
		case ctx.Err() != nil:
			return done, ctx.Err()
		case err != nil:
			done.Counts.Errors++
			r.log.ErrorContext(ctx, "starting a closed workflow again failed",
				"workflow_id", listed.GetExecution().GetWorkflowId(), "error", err)
			if t := listed.GetCloseTime().AsTime(); t.Before(c.Next) {
				c.Next = t // so that the next run retries it
			}
		case restarts > 0:
			done.Counts.Restarted++
			if restarts > workflows.MaxRestarts {
				done.Counts.Stuck++
			}
		}
	}
	if c.Token = page.GetNextPageToken(); len(c.Token) == 0 {
		done.Mark, err = encode(c.Next)
		return done, err
	}
	done.Cursor, err = encode(c)
	return done, err
}

func (c closedCursor) query() string {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed') AND CloseTime <= '%s'",
		workflows.TypeProcessUpload, c.Until.UTC().Format(time.RFC3339Nano))
	if !c.Since.IsZero() {
		query += fmt.Sprintf(" AND CloseTime >= '%s'", c.Since.UTC().Format(time.RFC3339Nano))
	}
	return query
}

// restart starts an upload again whose latest run was interrupted. It returns the
// number of restarts with this one; 0 if it did nothing.
func (r *Reconciler) restart(ctx context.Context, workflowID string) (restarts int, err error) {
	d, err := workflows.Describe(ctx, r.deps.Temporal, workflowID)
	if err != nil || d == nil {
		return 0, err
	}
	info := d.GetWorkflowExecutionInfo()
	p, _ := r.deps.Payloads.Progress(info)
	if !interrupted(info, p) {
		return 0, nil
	}
	in, err := r.inputOf(ctx, workflowID, info.GetExecution().GetRunId())
	if err != nil {
		return 0, err
	}
	gone, err := r.erased(ctx, in.Upload.Tenant, in.Upload.ID)
	if err != nil || gone {
		return 0, err
	}
	outcome, err := r.deps.Store.Outcome(ctx, in.Upload.Tenant, in.Upload.ID)
	if err != nil {
		return 0, err
	}
	in.Restarts = max(p.Restarts, in.Restarts) + 1
	if !resume(&in, p, outcome, time.Now().UTC()) {
		return 0, nil
	}
	if err := r.startAgain(ctx, in); err != nil {
		var exists *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &exists) {
			return 0, nil // started meanwhile
		}
		return 0, fmt.Errorf("starting workflow %s again: %w", workflowID, err)
	}
	r.log.WarnContext(ctx, "upload started again: its workflow was closed before its end",
		"upload_id", in.Upload.ID, "tenant", in.Upload.Tenant, "workflow_id", workflowID,
		"closed_run_id", info.GetExecution().GetRunId(), "closed_as", info.GetStatus().String(), "restarts", in.Restarts)
	if in.End != nil {
		return 1, nil // never stuck, since nothing is left to run
	}
	return in.Restarts, nil
}

// reachedItsEnd reports whether a listed run needs no second look. What visibility
// lists about a closed run is final, and a later run would be listed itself once it
// is closed.
func (r *Reconciler) reachedItsEnd(listed *workflow.WorkflowExecutionInfo) bool {
	p, known := r.deps.Payloads.Progress(listed)
	return known && !interrupted(listed, p)
}

// cutOff reports whether a run was closed before a final status. An upload that
// expired closes as failed as well, but with a final status.
func cutOff(info *workflow.WorkflowExecutionInfo, p orak.Progress) bool {
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return !p.Status.Final()
	default:
		return false
	}
}

// interrupted reports whether a run was cut off, or terminated or timed out with
// a final status: the outcome then shows whether the end was completed.
func interrupted(info *workflow.WorkflowExecutionInfo, p orak.Progress) bool {
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return true
	default:
		return cutOff(info, p)
	}
}

// resume changes in, the input of the closed run, to that of the next run, which
// continues from p: it finishes an end that was decided, waits if the upload was
// parked (its dead letter is written, and people decide about it), and otherwise
// begins with the first stage. It returns false if the end was reached.
func resume(in *workflows.ProcessUploadInput, p orak.Progress, outcome *orak.Progress, now time.Time) bool {
	was := in.Resume
	in.Resume, in.End, in.Cycle = nil, nil, p.Cycle
	if p.Cycle > 0 && in.Refused != nil {
		// The upload was announced again: that announcement counts.
		in.Upload, in.Refused = p.Upload, nil
	}
	ended := outcome != nil && outcome.Status.Final() && outcome.Cycle >= p.Cycle
	switch {
	case ended && p.Status.Final():
		return false
	case ended:
		in.End = outcome
	case p.Status.Final():
		in.End = &p
	case p.Status == orak.StatusDeadLettered:
		in.Resume = parked(was, p, in.Restarts, now)
	}
	return true
}

// parked returns the input of a run that waits at p; was is that of the closed run.
func parked(was *workflows.Resume, p orak.Progress, restarts int, now time.Time) *workflows.Resume {
	next := workflows.Resume{Progress: p, ParkedAt: p.UpdatedAt}
	if was != nil {
		next.Audio, next.Analysis = was.Audio, was.Analysis
		if was.Progress.Cycle == p.Cycle {
			next.ParkedAt, next.Warned = was.ParkedAt, was.Warned
		}
	}
	next.Progress.Restarts = restarts
	next.Progress.Timeline = orak.AddMark(p.Timeline, orak.Mark{At: now, Kind: orak.MarkRestarted}, orak.MaxMarks)
	return &next
}

// startAgain starts the next run. Temporal refuses it if the latest run is open or
// has completed.
func (r *Reconciler) startAgain(ctx context.Context, in workflows.ProcessUploadInput) error {
	options := workflows.StartOptions(workflows.ProcessUploadInput{Upload: in.Upload})
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	options.Priority.PriorityKey = workflows.LowestPriority
	first := orak.Progress{Upload: in.Upload, Status: orak.StatusQueued, Cycle: in.Cycle, Restarts: in.Restarts, UpdatedAt: time.Now().UTC()}
	if in.Resume != nil {
		first = in.Resume.Progress
	}
	options.Memo = map[string]any{workflows.MemoProgress: first}
	_, err := r.deps.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeProcessUpload, in)
	return err
}
