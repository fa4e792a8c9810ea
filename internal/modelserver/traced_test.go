package modelserver

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
)

func TestTraceIsSentWithRequestsThatBelongToOne(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 1)
	c := New(serve(t, func(_ http.ResponseWriter, r *http.Request) { sent <- r.Header.Get("Traceparent") }))
	require.NoError(t, c.Ready(t.Context(), ReadyPath))
	require.Empty(t, <-sent, "a probe belongs to no trace")

	traceID, err := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	require.NoError(t, err)
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: trace.SpanID{7}, TraceFlags: trace.FlagsSampled,
	}))
	require.NoError(t, c.Ready(ctx, ReadyPath))
	// Without a tracer provider there is no span of its own.
	require.Equal(t, "00-4bf92f3577b34da6a3ce929d0e0e4736-0700000000000000-01", <-sent)
}
