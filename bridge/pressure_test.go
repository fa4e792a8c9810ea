package bridge_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orak"
	"orak/bridge"
	"orak/events"
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

// Each partition has a key of which the first record does not get on, and
// thousands behind it: they wait in Kafka, and the other keys go on.
func TestHotKeysFillNeitherTheBudgetNorTheMemory(t *testing.T) {
	t.Parallel()
	const behind = 3000
	b := setup(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	var hot, cold []orak.Upload
	var records []*kgo.Record
	for p := range events.Partitions {
		first, other := newUpload(), newUpload()
		hot, cold = append(hot, first), append(cold, other)
		one := announcement(t, first)
		batch := []*kgo.Record{one, announcement(t, other)}
		for range behind {
			skipped := announcement(t, first)
			for i, h := range skipped.Headers {
				if h.Key == events.HeaderType {
					skipped.Headers[i].Value = []byte("org.example.other")
				}
			}
			batch = append(batch, skipped)
		}
		for _, r := range batch {
			r.Partition = p
		}
		records = append(records, batch...)
	}
	require.NoError(t, cl.ProduceSync(b.ctx, records...).FirstErr())

	open := make(chan struct{})
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.StartTimeout = within
		d.Temporal = b.client(b.address, holding(open, hot...))
	})
	n := int(events.Partitions)
	require.Eventually(t, func() bool { return m.metric("orak_bridge_paused_partitions", "") == n }, within, 10*time.Millisecond)
	m.awaitOutcome("started", n)
	b.requireStarted(cold)
	require.Less(t, m.metric("orak_bridge_buffered_records", ""), n*1024)
	require.Equal(t, n, m.metric("orak_bridge_inflight_records", ""), "a hot key takes the place of one record")
	close(open)
	m.awaitOutcome("started", 2*n)
	m.awaitOutcome("skipped", behind*n)
	b.awaitCommitted((behind + 2) * n)
	b.requireStarted(hot)
	require.Zero(t, m.metric("orak_bridge_paused_partitions", ""))
	require.Zero(t, m.metric("orak_bridge_buffered_records", ""))
}

func TestStandstillIsToldOnceAndEndsReadiness(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(3)
	open, alerts, log := make(chan struct{}), new(alerts), new(logBuffer)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.StartTimeout, c.StallAfter = within, time.Second
		d.Temporal = b.client(b.address, holding(open, uploads...))
		d.Alerter, d.Log = alerts, slog.New(slog.NewTextHandler(log, nil))
	})
	stalls := func() []bridge.Stall {
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

// A group that does not come to an agreement has no owner for any partition.
func TestGroupWithoutOwnersIsAStandstill(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	var once sync.Once
	joined := make(chan struct{})
	b.refuseJoins(func() { once.Do(func() { close(joined) }) })
	b.announce(3)
	m := b.start(func(c *bridge.Config, _ *bridge.Deps) { c.StallAfter = time.Second })
	<-joined
	require.Eventually(t, func() bool { return m.metric("orak_bridge_stalls_total", "") == 1 }, within, 10*time.Millisecond)
	require.ErrorContains(t, m.Ready(b.ctx), "3 records behind")
}
