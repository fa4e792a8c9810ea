package consume_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka/consume"
)

// batches is a sink that keeps the batches which it was given.
type batches struct {
	mu    sync.Mutex
	sizes []int
	// next is the offset that each partition goes on with.
	next map[int32]int64
	// broken is a batch that was not of one partition, in order, without a gap.
	broken bool
}

func (s *batches) handle(_ context.Context, d *consume.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(d.Records))
	for _, r := range d.Records {
		s.broken = s.broken || r.Partition != d.Record.Partition || r.Offset != s.next[r.Partition]
		s.next[r.Partition] = r.Offset + 1
	}
	return nil
}

func (b *bundle) startBatched(batch consume.Batch) (*member, *batches) {
	b.t.Helper()
	sink := &batches{next: make(map[int32]int64)}
	reg := prometheus.NewRegistry()
	return b.run(reg, consume.NewBatched(config(), b.deps(reg), batch, sink.handle)), sink
}

func (b *bundle) publishOn(p int32, n int) {
	b.t.Helper()
	var records []*kgo.Record
	for range n {
		r := b.record()
		r.Partition = p
		records = append(records, r)
	}
	b.publishThere(records...)
}

func TestBatchIsFullOrHasLingered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publishOn(3, 250)
	m, sink := b.startBatched(consume.Batch{Records: 100, Linger: time.Second})
	m.awaitOutcome(consume.Handled, 250)
	b.awaitCommitted(250)
	sink.mu.Lock()
	require.Equal(t, []int{100, 100, 50}, sink.sizes)
	sink.mu.Unlock()
	b.publishOn(4, 1)
	m.awaitOutcome(consume.Handled, 251)
	require.False(t, sink.broken)
}

func TestBatchesKeepTheOrderOfOffsets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for p := range events.Partitions {
		b.publishOn(p, 2000)
	}
	m, sink := b.startBatched(consume.Batch{Records: 5000, Linger: time.Hour})
	n := int(events.Partitions) * 2000
	require.Eventually(t, func() bool { return m.metric("buffered_records", "") == n }, within, 10*time.Millisecond)
	m.stop()
	require.Empty(t, sink.sizes, "a batch that is neither full nor due is the next owner's")
	require.Zero(t, b.committed())

	again, sink := b.startBatched(consume.Batch{Records: 700})
	again.awaitOutcome(consume.Handled, n)
	b.awaitCommitted(n)
	require.False(t, sink.broken)
	require.LessOrEqual(t, slices.Max(sink.sizes), 700)
	require.Greater(t, slices.Max(sink.sizes), 1)
}

func TestFailedBatchIsDeliveredAgainWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publishOn(0, 10)
	reg := prometheus.NewRegistry()
	var tries []int
	m := b.run(reg, consume.NewBatched(config(), b.deps(reg), consume.Batch{Records: 10, Linger: time.Minute},
		func(_ context.Context, d *consume.Delivery) error {
			if tries = append(tries, len(d.Records)); len(tries) < 3 {
				return errors.New("the transaction was rolled back")
			}
			return nil
		}))
	m.awaitOutcome(consume.Handled, 10)
	b.awaitCommitted(10)
	require.Equal(t, []int{10, 10, 10}, tries)
}

// Records that are too large for a batch to be full before the buffer is.
func TestFullBufferMakesABatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 5 {
		r := b.record()
		r.Partition, r.Value = 2, incompressible(t, 950_000)
		b.publishThere(r)
	}
	m, sink := b.startBatched(consume.Batch{Records: 1000, Linger: time.Hour})
	m.awaitOutcome(consume.Handled, 5)
	require.False(t, sink.broken)
	m.awaitMetric("paused_partitions", "", 0)
}

func incompressible(t *testing.T, n int) []byte {
	t.Helper()
	value := make([]byte, n)
	_, err := rand.Read(value)
	require.NoError(t, err)
	return value
}

// A batch that waits counts with all of its records, as everywhere.
func TestBatchThatWaitsCountsItsRecords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publishOn(0, 10)
	reg := prometheus.NewRegistry()
	var healthy atomic.Bool
	m := b.run(reg, consume.NewBatched(config(), b.deps(reg), consume.Batch{Records: 10, Linger: time.Minute},
		func(context.Context, *consume.Delivery) error {
			if !healthy.Load() {
				return errors.New("the sink is full")
			}
			return nil
		}))
	m.awaitMetric("retrying_records", "", 10)
	require.Equal(t, 10, m.metric("aside_records", "handler"))
	require.Zero(t, m.metric("inflight_records", ""))
	require.ErrorContains(t, m.Ready(b.ctx), "10 records wait")
	healthy.Store(true)
	m.awaitOutcome(consume.Handled, 10)
	m.awaitMetric("aside_records", "handler", 0)
	require.Zero(t, m.metric("retrying_records", ""))
}

// A handler may sort its batch, and take out of it what is superseded.
func TestHandlerMayChangeItsBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publishOn(0, 20)
	reg := prometheus.NewRegistry()
	var firsts []int64
	m := b.run(reg, consume.NewBatched(config(), b.deps(reg), consume.Batch{Records: 10, Linger: time.Minute},
		func(_ context.Context, d *consume.Delivery) error {
			firsts = append(firsts, d.Records[0].Offset)
			slices.Reverse(d.Records)
			d.Records = slices.DeleteFunc(d.Records, func(r *kgo.Record) bool { return r.Offset%2 == 0 })
			d.Record = d.Records[0]
			if len(firsts) == 1 {
				d.Outcome = "unfinished"
				return errors.New("the transaction was rolled back")
			}
			return nil
		}))
	m.awaitOutcome(consume.Handled, 20)
	b.awaitCommitted(20)
	require.Equal(t, []int64{0, 0, 10}, firsts, "the batch is delivered again as it was")
}

func TestLingeringBatchIsNoStall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publishOn(0, 1)
	reg, cfg := prometheus.NewRegistry(), config()
	cfg.StallAfter = 2 * time.Second
	sink := &batches{next: make(map[int32]int64)}
	m := b.run(reg, consume.NewBatched(cfg, b.deps(reg), consume.Batch{Records: 10, Linger: 3 * time.Second}, sink.handle))
	b.awaitCommitted(1)
	require.Zero(t, m.metric("stalls_total", ""))
}
