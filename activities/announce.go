package activities

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"orak/events"
)

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
