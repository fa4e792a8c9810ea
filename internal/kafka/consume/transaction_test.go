package consume_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka/consume"
)

// transact publishes records of one key in a transaction and ends it.
func (b *bundle) transact(end kgo.TransactionEndTry, keys ...string) {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.TransactionalID(b.t.Name()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(b.t, err)
	defer cl.Close()
	require.NoError(b.t, cl.BeginTransaction())
	for _, key := range keys {
		r := &kgo.Record{Topic: events.TopicUploads, Partition: 2, Key: []byte(key), Value: []byte("in a transaction")}
		require.NoError(b.t, cl.ProduceSync(b.ctx, r).FirstErr())
	}
	require.NoError(b.t, cl.EndTransaction(b.ctx, end))
}

func TestAbortedTransactionIsNotHandled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.transact(kgo.TryAbort, "aborted-1", "aborted-2")
	b.transact(kgo.TryCommit, "committed-1")
	m := b.start(nil)
	m.awaitOutcome("started", 1)
	// Two records and the end, then one and the end.
	b.awaitCommitted(5)
	b.transact(kgo.TryAbort, "aborted-3")
	b.awaitCommitted(7)
	b.transact(kgo.TryCommit, "committed-2")
	m.awaitOutcome("started", 2)
	b.awaitCommitted(9)
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Equal(t, map[string]int{"committed-1": 1, "committed-2": 1}, b.effects)
}

// A partition that ends with a transaction's end has no lag, and so is not stalled.
func TestTransactionsEndIsNoStall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.start(func(c *consume.Config) { c.StallAfter = time.Second })
	b.transact(kgo.TryCommit, "key")
	b.awaitCommitted(2)
	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicUploads)
	require.NoError(t, err)
	end, ok := ends.Lookup(events.TopicUploads, 2)
	require.True(t, ok)
	require.EqualValues(t, 2, end.Offset)
	require.NoError(t, m.Ready(b.ctx))
}

// A producer that hangs in a transaction holds back what others write behind it, so the
// commits stand still although nothing that can be read is left.
func TestOpenTransactionThatHoldsRecordsBackIsAStall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stalls := make(chan consume.Stall, 1)
	reg := prometheus.NewRegistry()
	deps := b.deps(reg)
	deps.Stalled = func(_ context.Context, s consume.Stall) error { stalls <- s; return nil }
	cfg := config()
	cfg.StallAfter = time.Second
	hanging, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.TransactionalID(t.Name()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer hanging.Close()
	require.NoError(t, hanging.BeginTransaction())
	require.NoError(t, hanging.ProduceSync(b.ctx, &kgo.Record{Topic: events.TopicUploads, Partition: 2, Key: []byte("open")}).FirstErr())
	b.announceOn([]int32{2, 2})
	m := b.run(reg, consume.New(cfg, deps, b.once))
	select {
	case s := <-stalls:
		require.Equal(t, map[string][]int32{events.TopicUploads: {2}}, s.Partitions)
		require.EqualValues(t, 3, s.HeldBack)
		require.Contains(t, s.String(), "open transaction")
	case <-time.After(within):
		require.Fail(t, "the stall was not reported")
	}
	require.Error(t, m.Ready(b.ctx))
	require.NoError(t, hanging.EndTransaction(b.ctx, kgo.TryAbort))
	m.awaitOutcome("started", 2)
	require.Eventually(t, func() bool { return m.Ready(b.ctx) == nil }, within, 50*time.Millisecond)
}

func TestMemberReadsSeveralTopics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.makeTopics(events.TopicLifecycle)
	deps := b.deps(nil)
	deps.Topics = []string{events.TopicUploads, events.TopicLifecycle}
	b.run(nil, consume.New(config(), deps, b.once))
	want := map[string]int{}
	for _, topic := range deps.Topics {
		for range 20 {
			r := b.record()
			r.Topic = topic
			require.NoError(t, b.producer.Publish(b.ctx, r))
			want[string(r.Key)] = 1
		}
	}
	require.Eventually(t, func() bool {
		offsets, err := b.admin.FetchOffsets(b.ctx, group)
		var sum int64
		for _, o := range offsets.Sorted() {
			sum += max(0, o.At)
		}
		return err == nil && sum == int64(len(want))
	}, within, 10*time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Equal(t, want, b.effects)
}

func TestResumeDecidesWhereAPartitionIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	asked, refused := map[int32]int64{}, false
	deps := b.deps(nil)
	deps.Resume = func(_ context.Context, topic string, id int32, committed int64) (int64, error) {
		mu.Lock()
		defer mu.Unlock()
		if !refused {
			refused = true
			return 0, errors.New("not reachable yet")
		}
		asked[id] = committed
		if id == 1 {
			return 1, nil // earlier than committed, or the second of those never read
		}
		return committed, nil
	}
	keys := b.announceOn([]int32{0, 1, 1})
	first := b.run(nil, consume.New(config(), deps, b.once))
	b.awaitCommitted(3)
	first.stop()
	b.mu.Lock()
	require.Equal(t, map[string]int{keys[0]: 1, keys[2]: 1}, b.effects)
	b.mu.Unlock()
	require.EqualValues(t, -1, asked[0])

	b.run(nil, consume.New(config(), deps, b.once))
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.effects[keys[2]] == 2
	}, within, 10*time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	require.EqualValues(t, 1, asked[0])
	require.EqualValues(t, 2, asked[1])
}
