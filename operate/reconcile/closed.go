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

// closedCursor is what is left to look at in this run: the workflows that
// closed from Since on and before Until, from page Token on.
type closedCursor struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Token []byte    `json:"token"`
	// Next is where the next run begins, but for its look back.
	Next time.Time `json:"next"`
}

// mendClosed starts uploads again whose workflow was closed before it came to
// an end.
func (r *Reconciler) mendClosed(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
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
		restarts, err := r.restart(ctx, listed.GetExecution().GetWorkflowId())
		switch {
		case ctx.Err() != nil:
			return done, ctx.Err()
		case err != nil:
			done.Counts.Errors++
			r.log.ErrorContext(ctx, "a closed workflow could not be started again",
				"workflow_id", listed.GetExecution().GetWorkflowId(), "error", err)
			if t := listed.GetCloseTime().AsTime(); t.Before(c.Next) {
				c.Next = t // so that the next run meets it
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

// restart starts an upload again whose latest run was cut off. restarts counts
// this one; 0 means that there was nothing to do.
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
	if !again(&in, p, outcome, time.Now().UTC()) {
		return 0, nil
	}
	if err := r.startAgain(ctx, in); err != nil {
		var exists *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &exists) {
			return 0, nil // somebody else was faster
		}
		return 0, fmt.Errorf("starting workflow %s again: %w", workflowID, err)
	}
	r.log.WarnContext(ctx, "an upload was started again: its workflow was closed before its end",
		"upload_id", in.Upload.ID, "tenant", in.Upload.Tenant, "workflow_id", workflowID,
		"closed_run_id", info.GetExecution().GetRunId(), "closed_as", info.GetStatus().String(), "restarts", in.Restarts)
	if in.End != nil {
		return 1, nil // never stuck: nothing is left to run
	}
	return in.Restarts, nil
}

// cutOff tells a run that was ended from one that came to its end: an upload
// that expired closes as failed, too.
func cutOff(info *workflow.WorkflowExecutionInfo, p orak.Progress) bool {
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return !p.Status.Final()
	default:
		return false
	}
}

// interrupted is cutOff, and a run that was ended although it shows a final
// status: whether what follows from that was done, the outcome tells.
func interrupted(info *workflow.WorkflowExecutionInfo, p orak.Progress) bool {
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return true
	default:
		return cutOff(info, p)
	}
}

// again makes in the input of the next run, which takes up where the closed one
// stood at p: it finishes an end that was decided, it waits where the upload was
// parked (its dead letter is written, and people decide about it), and begins at
// the beginning otherwise. It reports false where the end was reached.
func again(in *workflows.ProcessUploadInput, p orak.Progress, outcome *orak.Progress, now time.Time) bool {
	was := in.Resume
	in.Resume, in.End, in.Cycle = nil, nil, p.Cycle
	if p.Cycle > 0 && in.Refused != nil {
		// It was announced again, or reprocessed: that announcement counts.
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

// parked is how a run begins that waits at p; was is what the closed run began
// with.
func parked(was *workflows.Resume, p orak.Progress, restarts int, now time.Time) *workflows.Resume {
	resume := workflows.Resume{Progress: p, ParkedAt: p.UpdatedAt}
	if was != nil {
		resume.Audio, resume.Analysis = was.Audio, was.Analysis
		if was.Progress.Cycle == p.Cycle {
			resume.ParkedAt, resume.Warned = was.ParkedAt, was.Warned
		}
	}
	resume.Progress.Restarts = restarts
	resume.Progress.Timeline = orak.AddMark(p.Timeline, orak.Mark{At: now, Kind: orak.MarkRestarted}, orak.MaxMarks)
	return &resume
}

// startAgain is refused by Temporal where the latest run is open, or came to
// its end after all.
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
