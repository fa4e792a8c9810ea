package bridge_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/bridge"
	"orak/events"
)

var storeUnavailable = &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "The object store cannot be reached."}

// notified returns n stored uploads, which the store does not describe yet, with
// their notifications.
func notified(n int) (*recordings, []orak.Upload, []*kgo.Record) {
	uploads := make([]orak.Upload, n)
	var records []*kgo.Record
	for i := range uploads {
		uploads[i] = newUpload()
		records = append(records, notify("orak", "s3:ObjectCreated:Put", uploads[i].Key))
	}
	store := newRecordings(uploads...)
	for _, u := range uploads {
		store.fail(u.ID, storeUnavailable)
	}
	return store, uploads, records
}

func (r *recordings) comeBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.errs)
}

func (m *member) awaitMetric(name, label string, want int) {
	m.t.Helper()
	require.Eventually(m.t, func() bool { return m.metric(name, label) == want }, within, 10*time.Millisecond,
		"%s{%s}: want %d", name, label, want)
}

func TestNotificationsThatWaitForTheStoreHoldBackNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store, uploads, records := notified(30)
	b.publish(records...)
	uploads = append(uploads, b.announce(20)...)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.Inflight = 8
		store.into(c, d)
	})
	m.awaitStarts(20)
	m.awaitMetric("orak_bridge_aside_records", "store", 30)
	require.Zero(t, m.metric("orak_bridge_inflight_records", ""))
	require.ErrorContains(t, m.Ready(b.ctx), "reading the recording")
	store.comeBack()
	m.awaitStarts(50)
	b.awaitCommitted(50)
	b.requireStarted(uploads)
	m.awaitMetric("orak_bridge_aside_records", "store", 0)
	require.Zero(t, b.deadLetters())
}

func TestPoisonIsDeadLetteredWhileTemporalIsUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := newProxy(t, b.address)
	p.set(false)
	uploads := b.announce(20)
	for i := range 5 {
		b.publish(&kgo.Record{Topic: events.TopicUploads, Key: []byte(fmt.Sprint(i)), Value: []byte("no event")})
	}
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.Inflight, c.StartTimeout = 4, time.Second
		d.Temporal = b.client(p.address())
	})
	m.awaitOutcome("dead_lettered", 5)
	m.awaitMetric("orak_bridge_aside_records", "temporal", 20)
	limit := func() int { return m.metric("orak_bridge_limit_records", "temporal") }
	require.Eventually(t, func() bool { return limit() < 4 }, within, 10*time.Millisecond, "a time-out is a sign of congestion")
	p.set(true)
	m.awaitStarts(20)
	b.awaitCommitted(25)
	b.requireStarted(uploads)
}

func TestUploadsAreStartedWhileDeadLettersWaitForKafka(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 10 {
		b.publish(&kgo.Record{Topic: events.TopicUploads, Key: []byte(fmt.Sprint(i)), Value: []byte("no event")})
	}
	uploads := b.announce(20)
	g := newGate(b.producer)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.Inflight, c.StartTimeout = 4, time.Second
		d.Publisher = g
	})
	m.awaitStarts(20)
	b.requireStarted(uploads)
	require.Zero(t, b.deadLetters())
	close(g.open)
	m.awaitOutcome("dead_lettered", 10)
	b.awaitCommitted(30)
}

// Waiting records are bounded for each partition: one that has too many is
// paused, and the others go on. Records of one key keep their order.
func TestWaitingRecordsAreBoundedAndKeepTheirOrder(t *testing.T) {
	t.Parallel()
	const waiting, bound, inflight = 1200, 512, 8
	b := setup(t)
	store, uploads, records := notified(waiting)
	records[0].Key = []byte(uploads[0].ID)
	records = append(records[:1:1], append([]*kgo.Record{cancellation(t, uploads[0], uploads[0].Tenant)}, records[1:]...)...)
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, cl.ProduceSync(b.ctx, records...).FirstErr())
	others := b.announceOn([]int32{1, 2, 3})
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.Inflight = inflight
		store.into(c, d)
	})
	m.awaitStarts(len(others))
	b.requireStarted(others)
	aside := func() int { return m.metric("orak_bridge_aside_records", "store") }
	require.Eventually(t, func() bool { return aside() >= bound }, within, 10*time.Millisecond)
	m.awaitMetric("orak_bridge_paused_partitions", "", 1)
	require.LessOrEqual(t, aside(), bound+inflight)
	others = append(others, b.announceOn([]int32{4, 5})...)
	m.awaitStarts(len(others))
	b.awaitCommitted(len(others)) // nothing past what waits

	store.comeBack()
	m.awaitStarts(waiting + len(others))
	m.awaitOutcome("canceled", 1)
	b.awaitCommitted(waiting + len(others) + 1)
	b.requireStarted(uploads)
	require.Zero(t, m.metric("orak_bridge_paused_partitions", ""))
	require.Zero(t, m.metric("orak_bridge_aside_records", "store"))
}

func TestBridgeStopsWithinItsBoundWhileRecordsWaitForTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store, uploads, records := notified(30)
	b.publish(records...)
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.Inflight, c.MaxBackoff = 8, time.Hour
		store.into(c, d)
	})
	m.awaitMetric("orak_bridge_aside_records", "store", 30)
	m.stop()
	require.Zero(t, m.metric("orak_bridge_aside_records", "store"))
	require.Zero(t, b.committed())
	store.comeBack()
	b.start(store.into).awaitStarts(30)
	b.requireStarted(uploads)
}

// silence accepts connections and never answers.
func silence(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return l.Addr().String()
}

func TestStartsThatTimeOutLowerTheLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announce(40)
	open := make(chan struct{})
	m := b.start(func(c *bridge.Config, d *bridge.Deps) {
		c.Inflight, c.StartTimeout = 16, 100*time.Millisecond
		d.Temporal = b.client(b.address, holding(open, uploads...))
	})
	m.awaitMetric("orak_bridge_limit_records", "temporal", 1)
	close(open)
	m.awaitStarts(40)
	b.requireStarted(uploads)
	m.awaitMetric("orak_bridge_aside_records", "temporal", 0)
	require.Greater(t, m.metric("orak_bridge_limit_records", "temporal"), 1)
}

// A record of a revoked partition waits no longer than the drain for the health
// check that a record of another partition makes.
func TestSilentTemporalDoesNotOutlastTheDrain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uploads := b.announceOn(allPartitions())
	deaf := b.client(silence(t))
	first := b.start(func(c *bridge.Config, d *bridge.Deps) {
		d.Temporal = deaf
		c.StartTimeout, c.DrainTimeout = time.Hour, 500*time.Millisecond
	})
	first.awaitMetric("orak_bridge_inflight_records", "", len(uploads))
	second := b.start(nil)
	second.awaitMetric("orak_bridge_assigned_partitions", "", len(uploads)/2)
	second.awaitStarts(len(uploads) / 2)
	first.stop()
	second.awaitStarts(len(uploads))
	b.requireStarted(uploads)
}
