package consume_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/events"
	"orak/internal/kafka/consume"
)

// gate holds a handler back until it is opened, or the delivery is given up.
type gate struct {
	once sync.Once
	// held is closed when the first record arrives.
	held chan struct{}
	open chan struct{}
}

func newGate() *gate { return &gate{held: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) wait(ctx context.Context) error {
	g.once.Do(func() { close(g.held) })
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return consume.ErrGivenUp
	}
}

// holding handles as once does, and holds back the records with a value that
// begins with "held".
func (b *bundle) holding(g *gate) consume.Handler {
	return func(ctx context.Context, d *consume.Delivery) error {
		if strings.HasPrefix(string(d.Record.Value), "held") {
			if err := g.wait(ctx); err != nil {
				return err
			}
		}
		return b.once(ctx, d)
	}
}

func TestCommitsNeverPassAGap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	m := b.startHandling(nil, b.holding(g))
	// One partition, so that the records are behind one another.
	var records []*kgo.Record
	var keys []string
	for range 12 {
		r := b.record()
		r.Partition = 3
		records, keys = append(records, r), append(keys, string(r.Key))
	}
	records[1].Value = []byte("held")
	b.publishThere(records...)

	<-g.held
	m.awaitOutcome("started", 11)
	b.awaitCommitted(1)
	m.kill()
	require.Equal(t, 1, b.committed())

	again := b.start(nil)
	again.awaitOutcome("duplicate", 10)
	again.awaitOutcome("started", 1)
	b.awaitCommitted(12)
	b.requireHandled(keys)
}

func TestRecordsOfOneKeyAreHandledInOrderAndOthersPass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := newGate()
	m := b.startHandling(nil, b.holding(g))
	first, behind := b.record(), b.record()
	behind.Key, first.Value = first.Key, []byte("held")
	require.NoError(t, b.producer.Publish(b.ctx, first))
	<-g.held
	require.NoError(t, b.producer.Publish(b.ctx, behind))
	b.announce(20)
	m.awaitOutcome("started", 20)
	require.Zero(t, m.metric("records_total", "duplicate"), "the second of the key waits for the first")
	close(g.open)
	m.awaitOutcome("started", 21)
	m.awaitOutcome("duplicate", 1)
}

func TestFailedCommitsLoseNothing(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	var failing sync.Mutex
	fail := true
	b.broker.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		failing.Lock()
		defer failing.Unlock()
		if !fail {
			return nil, nil, false
		}
		commit := req.(*kmsg.OffsetCommitRequest)
		resp := commit.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range commit.Topics {
			answer := kmsg.NewOffsetCommitResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				one := kmsg.NewOffsetCommitResponseTopicPartition()
				one.Partition, one.ErrorCode = p.Partition, kerr.RebalanceInProgress.Code
				answer.Partitions = append(answer.Partitions, one)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
	keys := b.announce(20)
	m := b.start(nil)
	m.awaitOutcome("started", 20)
	require.Eventually(t, func() bool { return m.metric("commits_total", "failed") > 1 }, within, 10*time.Millisecond)
	require.Zero(t, b.committed())
	m.kill()

	again := b.start(nil)
	again.awaitOutcome("duplicate", 20)
	failing.Lock()
	fail = false
	failing.Unlock()
	b.awaitCommitted(20)
	b.requireHandled(keys)
}

// A topic that was deleted and recreated is shorter than what the group has
// committed of the old one.
func TestOffsetsPastTheEndOfTheLogAreReadFromItsStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stale := make(kadm.Offsets)
	for p := range events.Partitions {
		stale.AddOffset(events.TopicUploads, p, 1000, -1)
	}
	require.NoError(t, b.admin.CommitAllOffsets(b.ctx, group, stale))
	keys := b.announce(24)
	b.start(nil).awaitOutcome("started", 24)
	b.requireHandled(keys)
}

// Each partition has a key whose first record makes no progress, and thousands of
// records behind it: they wait in Kafka, and the other keys go on.
func TestHotKeysFillNeitherTheBudgetNorTheMemory(t *testing.T) {
	t.Parallel()
	const behind = 3000
	b := setup(t)
	var records []*kgo.Record
	for p := range events.Partitions {
		first, other := b.record(), b.record()
		first.Value = []byte("held")
		batch := []*kgo.Record{first, other}
		for range behind {
			batch = append(batch, &kgo.Record{Topic: events.TopicUploads, Key: first.Key, Value: []byte("behind")})
		}
		for _, r := range batch {
			r.Partition = p
		}
		records = append(records, batch...)
	}
	b.publishThere(records...)

	g := newGate()
	m := b.startHandling(nil, b.holding(g))
	n := int(events.Partitions)
	m.awaitMetric("paused_partitions", "", n)
	m.awaitOutcome("started", n)
	require.Less(t, m.metric("buffered_records", ""), n*1024)
	require.Equal(t, n, m.metric("inflight_records", ""), "a hot key takes the place of one record")
	close(g.open)
	m.awaitOutcome("started", 2*n)
	m.awaitOutcome("duplicate", behind*n)
	b.awaitCommitted((behind + 2) * n)
	require.Zero(t, m.metric("paused_partitions", ""))
	require.Zero(t, m.metric("buffered_records", ""))
}

// A handler's error is tried again for as long as it takes, outside of the
// in-flight budget, and holds back neither other keys nor later attempts.
func TestHandlerErrorIsTriedAgainUntilItSucceeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var healthy atomic.Bool
	m := b.startHandling(func(c *consume.Config) { c.Inflight = 4 }, func(ctx context.Context, d *consume.Delivery) error {
		if string(d.Record.Value) == "held" && !healthy.Load() {
			return errors.New("the sink is full")
		}
		return b.once(ctx, d)
	})
	for range 8 {
		r := b.record()
		r.Value = []byte("held")
		require.NoError(t, b.producer.Publish(b.ctx, r))
	}
	b.announce(20)
	m.awaitOutcome("started", 20)
	m.awaitMetric("aside_records", "handler", 8)
	require.ErrorContains(t, m.Ready(b.ctx), "the sink is full")
	healthy.Store(true)
	m.awaitOutcome("started", 28)
	b.awaitCommitted(28)
	m.awaitMetric("aside_records", "handler", 0)
	require.Eventually(t, func() bool { return m.Ready(b.ctx) == nil }, within, 10*time.Millisecond)
}

// A handler cannot leave a gap in a partition that stays.
func TestRecordGivenUpIsHandledAgainWhileItsPartitionStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var given atomic.Bool
	m := b.startHandling(nil, func(ctx context.Context, d *consume.Delivery) error {
		if !given.Swap(true) {
			return consume.ErrGivenUp
		}
		return b.once(ctx, d)
	})
	keys := b.announce(5)
	m.awaitOutcome("started", 5)
	b.awaitCommitted(5)
	b.requireHandled(keys)
}

// What a handler remembers holds within one session: the number changes when the
// partition comes back.
func TestSessionHasAnotherNumberAfterARebalance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	seen := make(map[int32][]uint64)
	m := b.startHandling(nil, func(ctx context.Context, d *consume.Delivery) error {
		mu.Lock()
		seen[d.Record.Partition] = append(seen[d.Record.Partition], d.Session())
		mu.Unlock()
		return b.once(ctx, d)
	})
	b.announceOn(allPartitions())
	m.awaitHandled(12)
	other := b.start(nil)
	other.awaitMetric("assigned_partitions", "", 6)
	m.awaitMetric("assigned_partitions", "", 6)
	other.stop()
	m.awaitMetric("assigned_partitions", "", 12)
	b.announceOn(allPartitions())
	m.awaitHandled(24)
	mu.Lock()
	defer mu.Unlock()
	kept := 0
	for _, numbers := range seen {
		require.Len(t, numbers, 2)
		if numbers[0] == numbers[1] {
			kept++
		}
	}
	require.Equal(t, 6, kept, "the partitions that never moved")
}

// A group that cannot finish a rebalance has no owner for any partition.
func TestGroupWithoutOwnersIsAStall(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	var once sync.Once
	joined := make(chan struct{})
	b.refuseJoins(func() { once.Do(func() { close(joined) }) })
	b.announce(3)
	m := b.start(func(c *consume.Config) { c.StallAfter = time.Second })
	<-joined
	require.Eventually(t, func() bool { return m.metric("stalls_total", "") == 1 }, within, 10*time.Millisecond)
	require.ErrorContains(t, m.Ready(b.ctx), "3 records behind")
}

func TestInflightBudgetChangesWhileRecordsAreHandled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	free := make(chan struct{})
	m := b.startHandling(func(c *consume.Config) { c.Inflight = 4 }, func(ctx context.Context, d *consume.Delivery) error {
		select {
		case <-free:
			return b.once(ctx, d)
		case <-ctx.Done():
			return consume.ErrGivenUp
		}
	})
	keys := b.announce(40)
	m.awaitMetric("inflight_records", "", 4)
	m.SetInflight(9)
	m.awaitMetric("inflight_records", "", 9)
	m.SetInflight(2)
	for done := range 30 {
		free <- struct{}{}
		m.awaitOutcome("started", done+1)
	}
	m.awaitMetric("inflight_records", "", 2)
	close(free)
	m.awaitOutcome("started", 40)
	b.awaitCommitted(40)
	b.requireHandled(keys)
}
