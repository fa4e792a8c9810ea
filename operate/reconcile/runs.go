package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/workflows"
)

// Run is a run of Reconcile, with the runs that it continued as.
type Run struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// Status is running, completed, failed, canceled, terminated or timed_out.
	Status string                    `json:"status"`
	Report workflows.ReconcileReport `json:"report"`
}

// StatusCompleted is the Run.Status of a run that completed.
const StatusCompleted = "completed"

// ErrNoSchedule means that no worker has created the schedule.
var ErrNoSchedule = errors.New("there is no schedule " + workflows.ScheduleReconcile + ": start a worker, which creates it")

// Runs lists the runs of Reconcile, and triggers one.
type Runs struct {
	temporal  client.Client
	namespace string
	payloads  workflows.Payloads
}

// NewRuns returns the Runs in a namespace, of which c is a client; payloads decodes
// with the data converter of c.
func NewRuns(c client.Client, namespace string, payloads workflows.Payloads) *Runs {
	return &Runs{temporal: c, namespace: namespace, payloads: payloads}
}

// pollInterval is the time between two requests while a run is followed.
const pollInterval = 250 * time.Millisecond

// Now triggers a run, which begins at once or after the present one, and follows it
// to its end. It calls seen with the state of the run after each request.
func (r *Runs) Now(ctx context.Context, seen func(Run)) (Run, error) {
	schedule := r.schedule(ctx)
	before, err := started(ctx, schedule)
	if err != nil {
		return Run{}, err
	}
	if err := r.Trigger(ctx); err != nil {
		return Run{}, err
	}
	for {
		now, err := started(ctx, schedule)
		if err != nil {
			return Run{}, err
		}
		for runID, workflowID := range now {
			if _, old := before[runID]; !old {
				return r.follow(ctx, workflowID, seen)
			}
		}
		if err := pause(ctx); err != nil {
			return Run{}, err
		}
	}
}

func (r *Runs) schedule(ctx context.Context) client.ScheduleHandle {
	return r.temporal.ScheduleClient().GetHandle(ctx, workflows.ScheduleReconcile)
}

// Trigger begins a run at once, or after the present one, and does not wait for it. An
// error is ErrNoSchedule, or an *orak.Fault of class dependency.
func (r *Runs) Trigger(ctx context.Context) error {
	err := r.schedule(ctx).Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE})
	return scheduleError("Temporal cannot start the reconciliation.", err)
}

// Next returns when the schedule begins the next run; zero if it is paused. Errors are
// those of Trigger.
func (r *Runs) Next(ctx context.Context) (at time.Time, paused bool, err error) {
	d, err := r.schedule(ctx).Describe(ctx)
	if err != nil {
		return time.Time{}, false, scheduleError("Temporal cannot describe the schedule.", err)
	}
	if d.Schedule.State != nil && d.Schedule.State.Paused {
		return time.Time{}, true, nil
	}
	if len(d.Info.NextActionTimes) > 0 {
		at = d.Info.NextActionTimes[0]
	}
	return at, false, nil
}

// scheduleError returns ErrNoSchedule if err says that there is no schedule.
func scheduleError(message string, err error) error {
	var absent *serviceerror.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &absent):
		return ErrNoSchedule
	default:
		return fault(message, err)
	}
}

// started returns the workflows that the schedule started recently, by their first
// run: two workflows that start within a second have the same id.
func started(ctx context.Context, schedule client.ScheduleHandle) (map[string]string, error) {
	d, err := schedule.Describe(ctx)
	if err != nil {
		return nil, scheduleError("Temporal cannot describe the schedule.", err)
	}
	ids := make(map[string]string)
	for _, w := range d.Info.RunningWorkflows {
		ids[w.FirstExecutionRunID] = w.WorkflowID
	}
	for _, action := range d.Info.RecentActions {
		if w := action.StartWorkflowResult; w != nil {
			ids[w.FirstExecutionRunID] = w.WorkflowID
		}
	}
	return ids, nil
}

// follow returns after the workflow has ended, in whatever run.
func (r *Runs) follow(ctx context.Context, workflowID string, seen func(Run)) (Run, error) {
	for {
		d, err := r.temporal.DescribeWorkflowExecution(ctx, workflowID, "")
		if err != nil {
			return Run{}, fault("Temporal cannot describe the reconciliation.", err)
		}
		run := r.runOf(d.GetWorkflowExecutionInfo())
		switch run.Status {
		case "running", "continued_as_new":
		default:
			return run, nil
		}
		seen(run)
		if err := pause(ctx); err != nil {
			return run, err
		}
	}
}

// History returns the last runs, at most n, the latest first.
func (r *Runs) History(ctx context.Context, n int) ([]Run, error) {
	listed, err := r.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: r.namespace, PageSize: int32(n),
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus != 'ContinuedAsNew'", workflows.TypeReconcile),
	})
	if err != nil {
		return nil, fault("Temporal cannot list the reconciliations.", err)
	}
	runs := make([]Run, 0, len(listed.GetExecutions()))
	for _, info := range listed.GetExecutions() {
		runs = append(runs, r.runOf(info))
	}
	return runs, nil
}

func (r *Runs) runOf(info *workflow.WorkflowExecutionInfo) Run {
	run := Run{
		WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId(), Status: statusText(info.GetStatus()),
	}
	var ok bool
	if run.Report, ok = r.payloads.Report(info); !ok {
		run.Report.BeganAt = info.GetStartTime().AsTime()
	}
	return run
}

// statusText returns a status of Temporal in snake case.
func statusText(s enums.WorkflowExecutionStatus) string {
	switch s {
	case enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "timed_out"
	case enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return "continued_as_new"
	default:
		return strings.ToLower(s.String())
	}
}

func fault(message string, err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Message: message, Err: err}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pollInterval):
		return nil
	}
}
