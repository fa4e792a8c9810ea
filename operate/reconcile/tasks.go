package reconcile

import (
	"context"
	"fmt"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/workflows"
)

// attrProblems is the search attribute that the server sets when the workflow task of
// an open workflow has failed several times in a row (5 by default). It removes it
// when one succeeds.
const attrProblems = "TemporalReportedProblems"

// FailingQuery finds the workflows whose workflow task fails, in visibility.
const FailingQuery = "ExecutionStatus = 'Running' AND " + attrProblems + " IS NOT NULL"

// reportTasks reports the open workflows whose workflow task fails: their code
// panics, or cannot replay their history, and the server retries for ever. They need
// a worker with other code, so it does not change them.
func (r *Reconciler) reportTasks(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
	token, err := decode[[]byte](p.Cursor)
	if err != nil {
		return done, err
	}
	page, err := r.deps.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: r.deps.Namespace, PageSize: int32(p.Size), NextPageToken: token, Query: FailingQuery,
	})
	if err != nil {
		return done, fmt.Errorf("listing workflows whose workflow task fails: %w", err)
	}
	first := ""
	for _, listed := range page.GetExecutions() {
		done.Counts.Examined++
		id := listed.GetExecution().GetWorkflowId()
		cause, err := r.failing(ctx, id)
		switch {
		case ctx.Err() != nil:
			return done, ctx.Err()
		case err != nil:
			done.Counts.Errors++
			r.log.ErrorContext(ctx, "a workflow whose workflow task fails could not be described", "workflow_id", id, "error", err)
		case cause != "":
			if done.Counts.Failing++; first == "" {
				first = id + ": " + cause
			}
		}
	}
	r.reportFailing(done.Counts.Failing, first)
	if token = page.GetNextPageToken(); len(token) > 0 {
		done.Cursor, err = encode(token)
	}
	return done, err
}

// failing returns why the workflow task of an open workflow fails; "" if it does not,
// or no longer.
func (r *Reconciler) failing(ctx context.Context, workflowID string) (cause string, err error) {
	d, err := workflows.Describe(ctx, r.deps.Temporal, workflowID)
	if err != nil || d == nil {
		return "", err
	}
	info := d.GetWorkflowExecutionInfo()
	cause = causeOf(info)
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING || cause == "" {
		return "", nil
	}
	r.log.ErrorContext(ctx, "workflow task fails: the workflow is blocked", "workflow_id", workflowID,
		"run_id", info.GetExecution().GetRunId(), "workflow_type", info.GetType().GetName(),
		"cause", cause, "attempt", d.GetPendingWorkflowTask().GetAttempt())
	return cause, nil
}

// causeOf returns the server's cause of a failing workflow task.
func causeOf(info *workflow.WorkflowExecutionInfo) string {
	return strings.Join(workflows.SearchAttribute[[]string](info, attrProblems), ", ")
}

// reportFailing reports the workflows as an outage, so that operators get a message at
// once, reminders, and a message when it is over.
func (r *Reconciler) reportFailing(n int, first string) {
	if n == 0 || r.deps.Outages == nil {
		return
	}
	r.deps.Outages.Report(&orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyWorkflows, Message: messages.FailingWorkflowsText(n, first)})
}

// ProbeWorkflows is the activities.Probe of orak.DependencyWorkflows. It returns nil if
// the workflow task of no open workflow fails.
func (r *Reconciler) ProbeWorkflows(ctx context.Context) error {
	counted, err := r.deps.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: r.deps.Namespace, Query: FailingQuery,
	})
	if err != nil {
		return fmt.Errorf("counting workflows whose workflow task fails: %w", err)
	}
	if n := counted.GetCount(); n > 0 {
		return fmt.Errorf("the workflow task of %d workflows fails", n)
	}
	return nil
}
