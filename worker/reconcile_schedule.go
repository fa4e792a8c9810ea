package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak/workflows"
)

// reconcileLimit terminates a Reconcile that does not end, so that the next one
// can run.
const reconcileLimit = 24 * time.Hour

// ensureSchedule creates or updates the schedule of Reconcile. Several workers may
// do so at once; the settings of the one that starts last win. An operator's pause
// and notes are kept.
func (w *Worker) ensureSchedule(ctx context.Context) error {
	if w.cfg.ReconcileInterval == 0 || len(w.deps.Menders) == 0 {
		return nil
	}
	schedules := w.client.ScheduleClient()
	_, err := schedules.Create(ctx, client.ScheduleOptions{
		ID: workflows.ScheduleReconcile, Spec: *w.reconcileSpec(), Action: w.reconcileAction(),
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		// The next run catches up on runs that an outage prevented.
		CatchupWindow: w.cfg.ReconcileInterval,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return scheduling(err)
	}
	err = schedules.GetHandle(ctx, workflows.ScheduleReconcile).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: w.updated})
	var overtaken *serviceerror.FailedPrecondition
	if errors.As(err, &overtaken) {
		return nil // another worker has updated it meanwhile
	}
	return scheduling(err)
}

func scheduling(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("scheduling the reconciliation: %w", err)
}

// updated changes the schedule if its settings differ.
func (w *Worker) updated(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
	s := in.Description.Schedule
	if w.isOurs(s) {
		return nil, temporal.ErrSkipScheduleUpdate
	}
	s.Spec, s.Action = w.reconcileSpec(), w.reconcileAction()
	s.Policy.CatchupWindow = w.cfg.ReconcileInterval
	return &client.ScheduleUpdate{Schedule: &s}, nil
}

// isOurs reports whether the schedule has the settings of this worker.
func (w *Worker) isOurs(s client.Schedule) bool {
	action, ok := s.Action.(*client.ScheduleWorkflowAction)
	if !ok || s.Spec == nil || len(s.Spec.Intervals) != 1 || len(action.Args) != 1 {
		return false
	}
	var in workflows.ReconcileInput
	payload, ok := action.Args[0].(*commonpb.Payload)
	if !ok || w.deps.Payloads.DecodeOne(payload, &in) != nil {
		return false
	}
	return in == w.reconcileInput() && s.Spec.Intervals[0].Every == w.cfg.ReconcileInterval
}

func (w *Worker) reconcileSpec() *client.ScheduleSpec {
	return &client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: w.cfg.ReconcileInterval}}}
}

func (w *Worker) reconcileInput() workflows.ReconcileInput {
	return workflows.ReconcileInput{Page: w.cfg.ReconcilePage}
}

func (w *Worker) reconcileAction() *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID: workflows.ScheduleReconcile, Workflow: workflows.TypeReconcile, Args: []any{w.reconcileInput()},
		TaskQueue: workflows.QueuePipeline, WorkflowExecutionTimeout: reconcileLimit,
	}
}
