package observe_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"orak/internal/observe"
)

// inTrace returns a context with a span.
func inTrace(t *testing.T, id string, flags trace.TraceFlags) context.Context {
	t.Helper()
	traceID, err := trace.TraceIDFromHex(id)
	require.NoError(t, err)
	return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: trace.SpanID{1}, TraceFlags: flags,
	}))
}

func TestExemplarsAreInOpenMetricsAndOnlyOfSampledTraces(t *testing.T) {
	t.Parallel()
	metrics := observe.NewMetrics()
	t.Cleanup(func() { require.NoError(t, metrics.Stop(context.Background())) })
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "orak_probe_seconds", Help: "h", Buckets: []float64{1, 2}})
	metrics.Registry().MustRegister(h)
	observe.Record(inTrace(t, "4bf92f3577b34da6a3ce929d0e0e4736", trace.FlagsSampled), h, 0.5)
	observe.Record(inTrace(t, "00000000000000000000000000000bad", 0), h, 1.5)
	observe.Record(t.Context(), h, 3)

	page := func(accept string) string {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		req.Header.Set("Accept", accept)
		answer := httptest.NewRecorder()
		metrics.Handler().ServeHTTP(answer, req)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(body)
	}
	open := page("application/openmetrics-text;version=1.0.0")
	require.Regexp(t, `orak_probe_seconds_bucket{le="1\.0"} 1 # {[^\n]*trace_id="4bf92f3577b34da6a3ce929d0e0e4736"[^\n]*} 0\.5`, open)
	require.NotContains(t, open, "bad")
	require.Contains(t, open, "orak_probe_seconds_count 3")
	require.NotContains(t, page("text/plain"), "trace_id")
}

// Seconds of OpenTelemetry's histograms would all be in one bucket of milliseconds.
func TestOpenTelemetryDurationsHaveBucketsOfSeconds(t *testing.T) {
	t.Parallel()
	metrics := observe.NewMetrics()
	t.Cleanup(func() { require.NoError(t, metrics.Stop(context.Background())) })
	h, err := metrics.MeterProvider().Meter("probe").Float64Histogram("waited", metric.WithUnit("s"))
	require.NoError(t, err)
	h.Record(t.Context(), 0.2)
	answer := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Contains(t, answer.Body.String(), `waited_seconds_bucket{le="0.1"} 0`)
	require.Contains(t, answer.Body.String(), `waited_seconds_bucket{le="0.25"} 1`)
}
