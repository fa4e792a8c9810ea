package observe

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// Record observes v in h. If the span of ctx is sampled, the observation becomes the
// exemplar of its bucket, with the span's trace_id and span_id: so a slow bucket leads to
// a trace that can be looked up.
func Record(ctx context.Context, h prometheus.Observer, v float64) {
	span := trace.SpanContextFromContext(ctx)
	exemplars, ok := h.(prometheus.ExemplarObserver)
	if !ok || !span.IsSampled() {
		h.Observe(v)
		return
	}
	exemplars.ObserveWithExemplar(v, prometheus.Labels{"trace_id": span.TraceID().String(), "span_id": span.SpanID().String()})
}
