package activities

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.temporal.io/sdk/activity"

	"orak"
	"orak/events"
)

// announceWithin bounds how long a stage that is done keeps its slot for its event.
const announceWithin = 2 * time.Second

// StageEvent asks a stage to publish the event of its own end.
type StageEvent struct {
	// Cycle is that of the upload; see orak.Progress.
	Cycle int `json:"cycle,omitempty"`
}

// NewStageEvent returns the event that a stage which others follow is done, in the
// run of workflowID and runID.
func NewStageEvent(workflowID, runID string, s orak.Stage, u orak.Upload, cycle int, at time.Time) AnnounceInput {
	t := events.Converted
	l := events.Lifecycle{Upload: u, Status: s.Running(), Cycle: cycle, AudioKey: orak.AudioKey(u.Tenant, u.ID)}
	if s == orak.StageAnalyze {
		t, l.PitchKey = events.Analyzed, orak.PitchKey(u.Tenant, u.ID)
	}
	return AnnounceInput{ID: events.LifecycleID(workflowID, runID, t, cycle), Type: t, At: at.UTC(), Lifecycle: l}
}

// announceStage publishes that a stage is done, and reports whether Kafka has the
// event. If not, the stage is done all the same: repeating it would cost an analysis,
// and waiting a slot. The workflow publishes the same event then.
func (a *Activities) announceStage(ctx context.Context, s orak.Stage, u orak.Upload, e *StageEvent) bool {
	if e == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, announceWithin)
	defer cancel()
	run := activity.GetInfo(ctx).WorkflowExecution
	if err := a.Announce(ctx, NewStageEvent(run.ID, run.RunID, s, u, e.Cycle, time.Now())); err != nil {
		a.log.WarnContext(ctx, "event of a stage was not published; the workflow publishes it", "upload_id", string(u.ID), "stage", string(s), "error", err)
		return false
	}
	return true
}

// AnnounceInput asks for one lifecycle event.
type AnnounceInput struct {
	// ID is the event id, from events.LifecycleID: a repeat has the same one.
	ID        string           `json:"id"`
	Type      events.Type      `json:"type"`
	At        time.Time        `json:"at"`
	Lifecycle events.Lifecycle `json:"lifecycle"`
}

// Announce publishes a lifecycle event. It returns once Kafka has it.
func (a *Activities) Announce(ctx context.Context, in AnnounceInput) error {
	e, err := events.NewLifecycle(in.ID, in.Type, in.At, in.Lifecycle)
	if err != nil {
		return internalFault(fmt.Errorf("making event %s: %w", in.ID, err))
	}
	trace := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, trace)
	e.Traceparent, e.Tracestate = trace.Get("traceparent"), trace.Get("tracestate")
	if err := a.deps.Publisher.PublishEvent(ctx, events.TopicLifecycle, e); err != nil {
		return fmt.Errorf("publishing event %s: %w", in.ID, err)
	}
	return nil
}
