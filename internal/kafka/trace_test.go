package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"orak/events"
	"orak/internal/kafka"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func headers(r *kgo.Record) map[string]string {
	m := make(map[string]string)
	for _, h := range r.Headers {
		m[h.Key] = string(h.Value)
	}
	return m
}

// The tracer provider is global, so that this is one test, which does not run in
// parallel.
func TestTraceIsPropagatedByTheRecord(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	c, cl, ctx := setup(t)
	p := kafka.NewProducer(cl)

	request, span := provider.Tracer("test").Start(ctx, "request")
	require.NoError(t, p.Publish(request, record("of a request", "")))
	span.End()
	outbox := record("of the outbox", "")
	outbox.Headers = []kgo.RecordHeader{{Key: events.HeaderTraceparent, Value: []byte(parent)}}
	require.NoError(t, p.Publish(ctx, outbox))
	for _, r := range read(t, c, events.TopicUploads, 2) {
		got := headers(r)[events.HeaderTraceparent]
		require.NotEqual(t, parent, got, "the hop has its own span")
		want := "4bf92f3577b34da6a3ce929d0e0e4736"
		if string(r.Key) == "of a request" {
			want = span.SpanContext().TraceID().String()
		}
		require.Contains(t, got, want)
		require.Equal(t, want, trace.SpanContextFromContext(r.Context).TraceID().String(), "the consumer continues the trace")
	}

	origin := record("k", "v")
	origin.Headers = []kgo.RecordHeader{{Key: events.HeaderTraceparent, Value: []byte(parent)}}
	require.NoError(t, p.Publish(request, events.DeadLetter{Origin: events.OriginOf(origin)}.Record()))
	plain := record("k", "v")
	require.NoError(t, p.Publish(request, events.DeadLetter{Origin: events.OriginOf(plain)}.Record()))
	letters := read(t, c, events.TopicDeadLetters, 2)
	require.Equal(t, parent, headers(letters[0])[events.HeaderTraceparent], "the header of the origin is unchanged")
	require.NotContains(t, headers(letters[1]), events.HeaderTraceparent)
	require.NotEmpty(t, spans.Ended())
}
