package bridge_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orak"
	"orak/bridge"
	"orak/internal/kafka/consume"
	"orak/workflows"
)

// throttle refuses starts while more than limit are underway, as a namespace
// at its limit does.
func throttle(limit int64, refused *atomic.Int64) grpc.UnaryClientInterceptor {
	var underway atomic.Int64
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if _, ok := req.(*workflowservice.StartWorkflowExecutionRequest); !ok {
			return invoke(ctx, method, req, reply, cc, opts...)
		}
		defer underway.Add(-1)
		if underway.Add(1) > limit {
			refused.Add(1)
			return status.Error(codes.ResourceExhausted, "namespace rate limit exceeded")
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}

func TestThrottlingLowersTheLimitAndLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(300)
	var refused atomic.Int64
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.SlowStart = 150 * time.Millisecond
		d.Temporal = b.client(b.address, throttle(4, &refused))
	})
	limit := func() int { return m.metric("orak_bridge_limit_records", "temporal") }
	require.Eventually(t, func() bool { return limit() < 64 }, within, time.Millisecond)
	m.awaitStarts(300)
	b.awaitCommitted(300)
	b.requireStarted(uploads)
	require.Positive(t, refused.Load())
	require.Zero(t, b.deadLetters())
}

// holding holds the starts of the workflows of some uploads until it is
// opened.
func holding(open <-chan struct{}, held ...orak.Upload) grpc.UnaryClientInterceptor {
	ids := make(map[string]bool)
	for _, u := range held {
		ids[workflows.UploadWorkflowID(u.ID)] = true
	}
	return onStart(func(ctx context.Context, id string) error {
		if !ids[id] {
			return nil
		}
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	})
}

func TestStallIsReportedOnceAndEndsReadiness(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(3)
	open, alerts, log := make(chan struct{}), new(alerts), new(logBuffer)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.StartTimeout, c.StallAfter = within, time.Second
		d.Temporal = b.client(b.address, holding(open, uploads...))
		d.Alerter, d.Log = alerts, slog.New(slog.NewTextHandler(log, nil))
	})
	stalls := func() []consume.Stall {
		alerts.mu.Lock()
		defer alerts.mu.Unlock()
		return alerts.stalls
	}
	require.Eventually(t, func() bool { return len(stalls()) == 1 }, within, 10*time.Millisecond, "the first try fails")
	require.NotZero(t, stalls()[0].Lag)
	require.ErrorContains(t, m.Ready(b.ctx), "have not moved since")
	require.Positive(t, m.metric("orak_bridge_stalled_partitions", ""))
	require.True(t, log.contains("(*Bridge).handle"), "the log says what holds it up")

	close(open)
	m.awaitStarts(3)
	require.Eventually(t, func() bool { return m.Ready(b.ctx) == nil }, within, 10*time.Millisecond)
	require.Zero(t, m.metric("orak_bridge_stalled_partitions", ""))
	require.Equal(t, 1, m.metric("orak_bridge_stalls_total", ""))
	require.Len(t, stalls(), 1)
}
