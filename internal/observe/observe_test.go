package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"

	"orak"
	"orak/internal/observe"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestLoggerWritesJSONWithoutTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	observe.NewLogger(observe.Config{Level: "info", Format: "auto"}, &out).Info("upload accepted", "upload_id", "x")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "upload accepted", line["msg"])
	require.Equal(t, "x", line["upload_id"])
}

func TestLoggerFollowsLevelAndFormat(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := observe.NewLogger(observe.Config{Level: "warn", Format: "text"}, &out)
	log.Info("hidden")
	log.Warn("shown")
	require.NotContains(t, out.String(), "hidden")
	require.Contains(t, out.String(), "msg=shown")
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestReadyzNamesFailingCheckAndLogsItsReason(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	health := observe.NewHealth(slog.New(slog.NewTextHandler(&log, nil)))
	health.Add("store", func(context.Context) error { return nil })
	health.Add("kafka", func(context.Context) error { return errors.New("dialing 10.0.0.7:9092") })
	health.Add("temporal", func(context.Context) error {
		return &orak.Fault{Class: orak.ClassDependency, Message: "Temporal cannot be reached.", Err: errors.New("10.0.0.8")}
	})
	server := httptest.NewServer(health.Handler())
	defer server.Close()

	status, body := get(t, server.URL+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.JSONEq(t, `{"status":"failing","checks":[
		{"name":"kafka","ok":false,"error":"It fails; the log has the reason."},
		{"name":"store","ok":true},
		{"name":"temporal","ok":false,"error":"Temporal cannot be reached."}]}`, body)
	require.Contains(t, log.String(), "10.0.0.7:9092")

	status, _ = get(t, server.URL+"/livez")
	require.Equal(t, http.StatusOK, status)
}

func TestCheckIsLoggedOnlyWhenItChanges(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	health := observe.NewHealth(slog.New(slog.NewTextHandler(&log, nil)))
	var failure error
	health.Add("kafka", func(context.Context) error { return failure })
	failure = errors.New("down")
	require.False(t, health.Ready(t.Context()).OK())
	require.False(t, health.Ready(t.Context()).OK())
	failure = nil
	require.True(t, health.Ready(t.Context()).OK())
	require.True(t, health.Ready(t.Context()).OK())
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("readiness check fails")))
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("passes again")))
}

func TestReadyIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	health := observe.NewHealth(quiet())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			health.Add("kafka", func(context.Context) error { return nil })
			health.Ready(t.Context())
		})
	}
	all.Wait()
	require.Len(t, health.Ready(t.Context()).Checks, 1)
}

func TestDrainedProcessIsAliveButNotReady(t *testing.T) {
	t.Parallel()
	health := observe.NewHealth(quiet())
	require.True(t, health.Ready(t.Context()).OK())
	health.Drain()
	require.Equal(t, "stopping", health.Ready(t.Context()).Status)
}

func TestAdminServesHealthAndMetrics(t *testing.T) {
	t.Parallel()
	metrics := observe.NewMetrics()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "orak_probe_total", Help: "h"})
	metrics.Registry().MustRegister(counter)
	counter.Inc()
	otelCounter, err := metrics.MeterProvider().Meter("probe").Int64Counter("orak.measured")
	require.NoError(t, err)
	otelCounter.Add(t.Context(), 2)

	admin := observe.NewAdmin(observe.AdminConfig{Listen: "127.0.0.1:0"}, observe.NewHealth(quiet()), metrics, quiet())
	require.NoError(t, admin.Start(t.Context()))
	url := "http://" + admin.Addr()

	status, body := get(t, url+"/metrics")
	require.Equal(t, http.StatusOK, status)
	for _, name := range []string{"orak_probe_total 1", "orak_measured_total 2", "go_goroutines", "process_cpu_seconds_total"} {
		require.Contains(t, body, name)
	}
	status, _ = get(t, url+"/readyz")
	require.Equal(t, http.StatusOK, status)
	status, _ = get(t, url+"/nothing")
	require.Equal(t, http.StatusNotFound, status)

	require.NoError(t, admin.Stop(t.Context()))
	require.NoError(t, admin.Stop(t.Context()))
	_, err = http.Get(url + "/livez")
	require.Error(t, err)
	require.NoError(t, metrics.Stop(t.Context()))
}

func TestAdminWithoutAddressServesNothing(t *testing.T) {
	t.Parallel()
	admin := observe.NewAdmin(observe.AdminConfig{}, observe.NewHealth(quiet()), observe.NewMetrics(), quiet())
	require.NoError(t, admin.Start(t.Context()))
	require.Empty(t, admin.Addr())
	require.NoError(t, admin.Stop(t.Context()))
}

func TestAdminReportsAddressInUse(t *testing.T) {
	t.Parallel()
	first := observe.NewAdmin(observe.AdminConfig{Listen: "127.0.0.1:0"}, observe.NewHealth(quiet()), observe.NewMetrics(), quiet())
	require.NoError(t, first.Start(t.Context()))
	defer func() { require.NoError(t, first.Stop(context.Background())) }()
	second := observe.NewAdmin(observe.AdminConfig{Listen: first.Addr()}, observe.NewHealth(quiet()), observe.NewMetrics(), quiet())
	require.ErrorContains(t, second.Start(t.Context()), "health checks and metrics")
}

// Not parallel: tracing sets global variables.
func TestSpansReachOTLPEndpoint(t *testing.T) {
	arrived := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case arrived <- r.URL.Path + " " + string(body):
		default:
		}
	}))
	defer collector.Close()

	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	stop, err := observe.StartTracing(t.Context(), observe.TracingConfig{Service: "orak-test"})
	require.NoError(t, err)
	require.NoError(t, stop(t.Context()))
	require.Contains(t, otel.GetTextMapPropagator().Fields(), "traceparent")

	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	stop, err = observe.StartTracing(t.Context(), observe.TracingConfig{Service: "orak-test", Version: "v1", Instance: "orak-test-7"})
	require.NoError(t, err)
	_, span := otel.Tracer("test").Start(t.Context(), "probe span")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, stop(ctx))
	sent := <-arrived
	require.Contains(t, sent, "/v1/traces")
	require.Contains(t, sent, "probe span")
	require.Contains(t, sent, "orak-test")
	require.Contains(t, sent, "service.instance.id")
	require.Contains(t, sent, "orak-test-7")
}
