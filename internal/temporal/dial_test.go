package temporal_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/internal/temporal"
	"orak/test/stack"
)

var quiet = slog.New(slog.DiscardHandler)

func TestDialFailsAfterItsTimeout(t *testing.T) {
	t.Parallel()
	cfg := temporal.Config{Address: "127.0.0.1:1", Namespace: "x", DialTimeout: 200 * time.Millisecond}
	_, err := temporal.Dial(context.Background(), cfg, quiet, temporal.Telemetry{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDialWaitsForAServerThatStartsLater(t *testing.T) {
	t.Parallel()
	s := stack.Start(t)
	gate, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := gate.Addr().String()
	require.NoError(t, gate.Close()) // refused, for now
	dialled := make(chan error, 1)
	go func() {
		c, err := temporal.Dial(context.Background(), temporal.Config{Address: address, Namespace: "default", DialTimeout: time.Minute}, quiet, temporal.Telemetry{})
		if err == nil {
			c.Close()
		}
		dialled <- err
	}()
	forward(t, address, s.Temporal)
	require.NoError(t, <-dialled)
}

// forward forwards connections from one address to another.
func forward(t *testing.T, from, to string) {
	t.Helper()
	l, err := net.Listen("tcp", from)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
}

func pipe(from, to net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

// The trace of the caller that starts a workflow continues in it, in W3C's format,
// whatever the global propagator is; and the SDK's metrics are exported.
func TestTelemetryFollowsTheWorkflow(t *testing.T) {
	t.Parallel()
	s := stack.Start(t)
	reader := sdkmetric.NewManualReader()
	tel := temporal.Telemetry{
		Meter:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test"),
		Tracer: sdktrace.NewTracerProvider().Tracer("test"),
	}
	cfg := temporal.Config{Address: s.Temporal, Namespace: s.Namespace(t), DialTimeout: time.Minute}
	c, err := temporal.Dial(t.Context(), cfg, quiet, tel)
	require.NoError(t, err)
	defer c.Close()
	w := worker.New(c, "traced", worker.Options{})
	w.RegisterActivity(traceparent)
	w.RegisterWorkflow(traced)
	require.NoError(t, w.Start())
	defer w.Stop()

	ctx, span := tel.Tracer.Start(t.Context(), "upload")
	defer span.End()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "traced"}, traced)
	require.NoError(t, err)
	var got string
	require.NoError(t, run.Get(t.Context(), &got))
	require.Equal(t, span.SpanContext().TraceID().String(), got[3:35])

	var metrics metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &metrics))
	require.NotEmpty(t, metrics.ScopeMetrics)
}

func traced(ctx workflow.Context) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var s string
	err := workflow.ExecuteActivity(ctx, traceparent).Get(ctx, &s)
	return s, err
}

func traceparent(ctx context.Context) (string, error) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier.Get("traceparent"), nil
}

func TestEnsureNamespaceRegistersItOnceWithItsRetention(t *testing.T) {
	t.Parallel()
	s := stack.Start(t)
	cfg := temporal.Config{Address: s.Temporal, Namespace: "made-" + s.Namespace(t), DialTimeout: time.Minute, Retention: 31 * 24 * time.Hour}
	require.NoError(t, temporal.EnsureNamespace(t.Context(), cfg, quiet))
	cfg.Retention = 24 * time.Hour
	require.NoError(t, temporal.EnsureNamespace(t.Context(), cfg, quiet))
	d, err := s.Client(t, cfg.Namespace).WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: cfg.Namespace})
	require.NoError(t, err)
	require.Equal(t, 31*24*time.Hour, d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
}
