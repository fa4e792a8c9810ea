package kafka

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"orak/events"
)

// NewTracer returns a tracer of Kafka records that uses the global tracer provider and
// the W3C Trace Context. group is empty for a producer.
func NewTracer(clientID, group string) *kotel.Tracer {
	return kotel.NewTracer(
		kotel.TracerPropagator(propagation.TraceContext{}),
		kotel.ClientID(clientID),
		kotel.ConsumerGroup(group),
	)
}

// traceHook is the hook of kotel, with two differences for records that are produced:
// a record whose context has no span continues the trace in its headers (the outbox
// sends events of requests that have ended), and a dead letter keeps the headers of
// its origin.
type traceHook struct{ *kotel.Tracer }

var (
	_ kgo.HookProduceRecordBuffered   = (*traceHook)(nil)
	_ kgo.HookProduceRecordUnbuffered = (*traceHook)(nil)
	_ kgo.HookFetchRecordBuffered     = (*traceHook)(nil)
)

// OnProduceRecordBuffered implements kgo.HookProduceRecordBuffered.
func (h *traceHook) OnProduceRecordBuffered(r *kgo.Record) {
	if r.Context == nil {
		r.Context = context.Background()
	}
	if !trace.SpanContextFromContext(r.Context).IsValid() {
		r.Context = propagation.TraceContext{}.Extract(r.Context, kotel.NewRecordCarrier(r))
	}
	if r.Topic != events.TopicDeadLetters {
		h.Tracer.OnProduceRecordBuffered(r)
		return
	}
	untouched := r.Headers
	r.Headers = slices.Clone(untouched)
	h.Tracer.OnProduceRecordBuffered(r)
	r.Headers = untouched
}
