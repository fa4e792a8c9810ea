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

// scheduleLimit terminates a scheduled workflow that does not end, so that the next
// one can run.
const scheduleLimit = 24 * time.Hour

const (
	reconcileSummary = "Compares the outbox, Kafka, Temporal and the dead letters, and repairs what disagrees"
	lakeSummary      = "Compacts the lake, and leaves out what was erased"
)

// schedule is a workflow that runs at an interval, one at a time. Several workers may
// ensure it at once; the settings of the one that starts last win. An operator's pause
// and notes are kept.
type schedule struct {
	id, workflow string
	every        time.Duration
	// summary says in the Web UI what its runs do.
	summary string
	input   any
	// hasInput reports whether a payload is input.
	hasInput func(*commonpb.Payload) bool
}

// schedules returns those that this worker is to ensure.
func (w *Worker) schedules() (all []schedule) {
	if w.cfg.ReconcileInterval != 0 && len(w.deps.Menders) > 0 {
		in := workflows.ReconcileInput{Page: w.cfg.ReconcilePage}
		all = append(all, schedule{workflows.ScheduleReconcile, workflows.TypeReconcile, w.cfg.ReconcileInterval, reconcileSummary, in, func(p *commonpb.Payload) bool {
			var there workflows.ReconcileInput
			return w.deps.Payloads.DecodeOne(p, &there) == nil && there == in
		}})
	}
	if w.cfg.LakeCompactInterval != 0 && w.deps.Lake != nil {
		in := workflows.CompactLakeInput{}
		all = append(all, schedule{workflows.ScheduleCompactLake, workflows.TypeCompactLake, w.cfg.LakeCompactInterval, lakeSummary, in, func(p *commonpb.Payload) bool {
			var there workflows.CompactLakeInput
			return w.deps.Payloads.DecodeOne(p, &there) == nil && there == in
		}})
	}
	return all
}

// ensureSchedules creates or updates the schedules.
func (w *Worker) ensureSchedules(ctx context.Context) error {
	for _, s := range w.schedules() {
		if err := s.ensure(ctx, w.client.ScheduleClient()); err != nil {
			return fmt.Errorf("scheduling %s: %w", s.workflow, err)
		}
	}
	return nil
}

func (s schedule) ensure(ctx context.Context, schedules client.ScheduleClient) error {
	_, err := schedules.Create(ctx, client.ScheduleOptions{
		ID: s.id, Spec: s.spec(), Action: s.action(),
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		// The next run catches up on runs that an outage prevented.
		CatchupWindow: s.every,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	err = schedules.GetHandle(ctx, s.id).Update(ctx, client.ScheduleUpdateOptions{DoUpdate: s.updated})
	var overtaken *serviceerror.FailedPrecondition
	if errors.As(err, &overtaken) {
		return nil // another worker has updated it meanwhile
	}
	return err
}

// updated changes the schedule if its settings differ.
func (s schedule) updated(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
	there := in.Description.Schedule
	if s.isOurs(there) {
		return nil, temporal.ErrSkipScheduleUpdate
	}
	spec := s.spec()
	there.Spec, there.Action = &spec, s.action()
	there.Policy.CatchupWindow = s.every
	return &client.ScheduleUpdate{Schedule: &there}, nil
}

// isOurs reports whether a schedule has the settings of s.
func (s schedule) isOurs(there client.Schedule) bool {
	action, ok := there.Action.(*client.ScheduleWorkflowAction)
	if !ok || there.Spec == nil || len(there.Spec.Intervals) != 1 || len(action.Args) != 1 {
		return false
	}
	payload, ok := action.Args[0].(*commonpb.Payload)
	return ok && s.hasInput(payload) && action.StaticSummary == s.summary && there.Spec.Intervals[0].Every == s.every
}

func (s schedule) spec() client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}}
}

func (s schedule) action() *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID: s.id, Workflow: s.workflow, Args: []any{s.input}, TaskQueue: workflows.QueuePipeline, WorkflowExecutionTimeout: scheduleLimit, StaticSummary: s.summary,
	}
}
