package consume_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/test/broker"
)

// within is how long tests wait for what must happen; never an expectation of
// speed.
const within = 60 * time.Second

const group = "orak-test"

// bundle is a broker with a topic, what a test needs to look at both, and the
// effects of all consumers of the test.
type bundle struct {
	t   *testing.T
	ctx context.Context
	// broker is kfake's, for tests that inject faults; they use setupFake.
	broker   *kfake.Cluster
	kafka    kafka.Config
	admin    *kadm.Client
	cl       *kgo.Client
	producer *kafka.Producer
	ids      atomic.Int64

	mu sync.Mutex
	// effects counts how often each key was handled.
	effects map[string]int
}

// setup is for a test that runs on any broker: kfake, one for each test, or a
// turn at the one that broker.Env names.
func setup(t *testing.T) *bundle {
	t.Helper()
	address := broker.Take(t)
	if address == "" {
		return setupFake(t)
	}
	return newBundle(t, address)
}

// setupFake is for a test that injects faults, which only kfake permits.
func setupFake(t *testing.T) *bundle {
	t.Helper()
	return setupNodes(t, 1)
}

// setupNodes is setupFake with that many nodes, which groups and partitions can
// move between.
func setupNodes(t *testing.T, nodes int) *bundle {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(nodes), kfake.DataDir(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	b := newBundle(t, fake.ListenAddrs()...)
	b.broker = fake
	return b
}

func newBundle(t *testing.T, brokers ...string) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*within)
	t.Cleanup(cancel)
	cfg := kafka.Config{Brokers: brokers, ClientID: "test", ReplicationFactor: 1}
	// It must not believe for long that a topic is missing.
	cl, err := kafka.NewClient(cfg, quiet(), kgo.MetadataMinAge(50*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	b := &bundle{
		t: t, ctx: ctx, kafka: cfg, admin: kadm.NewClient(cl), cl: cl, producer: kafka.NewProducer(cl),
		effects: make(map[string]int),
	}
	b.makeTopics(events.TopicUploads)
	return b
}

// makeTopics returns once the broker lets the topics be used.
func (b *bundle) makeTopics(names ...string) {
	b.t.Helper()
	for _, topic := range events.Topics() {
		if slices.Contains(names, topic.Name) {
			require.NoError(b.t, kafka.EnsureTopics(b.ctx, b.cl, []events.Topic{topic}, 1))
			broker.AwaitTopic(b.t, b.admin, topic.Name, int(topic.Partitions))
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// once is the handler of most tests: its effect happens once for each key, as
// the start of a workflow does.
func (b *bundle) once(_ context.Context, d *consume.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := string(d.Record.Key)
	d.Outcome = "started"
	if b.effects[key]++; b.effects[key] > 1 {
		d.Outcome = "duplicate"
	}
	return nil
}

// member is one consumer under test.
type member struct {
	*consume.Consumer
	t   *testing.T
	reg *prometheus.Registry
}

func config() consume.Config {
	return consume.Config{
		Inflight: 64, CommitInterval: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
		DrainTimeout: 5 * time.Second, SessionTimeout: 10 * time.Second,
	}
}

func (b *bundle) deps(reg prometheus.Registerer) consume.Deps {
	return consume.Deps{
		Name: "consumer", Group: group, Topics: []string{events.TopicUploads}, Kafka: b.kafka, Log: quiet(), Metrics: reg,
		KafkaOpts: []kgo.Opt{kgo.HeartbeatInterval(200 * time.Millisecond)},
	}
}

// start starts a consumer that handles each record once; change may change how.
func (b *bundle) start(change func(*consume.Config)) *member {
	b.t.Helper()
	return b.startHandling(change, b.once)
}

func (b *bundle) startHandling(change func(*consume.Config), handle consume.Handler) *member {
	b.t.Helper()
	reg, cfg := prometheus.NewRegistry(), config()
	if change != nil {
		change(&cfg)
	}
	return b.run(reg, consume.New(cfg, b.deps(reg), handle))
}

func (b *bundle) run(reg *prometheus.Registry, c *consume.Consumer) *member {
	b.t.Helper()
	m := &member{Consumer: c, t: b.t, reg: reg}
	require.NoError(b.t, m.Start(b.ctx))
	b.t.Cleanup(m.stop)
	return m
}

func (m *member) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	require.NoError(m.t, m.Stop(ctx))
}

// kill cuts everything off, as near to a crash as one gets inside a process.
func (m *member) kill() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.Stop(ctx)
	m.stop()
}

// metric is the value of a counter or gauge; label is the value of its only
// label, or empty.
func (m *member) metric(name, label string) int {
	m.t.Helper()
	families, err := m.reg.Gather()
	require.NoError(m.t, err)
	for _, f := range families {
		if f.GetName() != "orak_consumer_"+name {
			continue
		}
		for _, sample := range f.GetMetric() {
			if labels := sample.GetLabel(); len(labels) == 0 || labels[0].GetValue() == label {
				return int(sample.GetCounter().GetValue() + sample.GetGauge().GetValue())
			}
		}
	}
	return 0
}

func (m *member) awaitMetric(name, label string, want int) {
	m.t.Helper()
	require.Eventually(m.t, func() bool { return m.metric(name, label) == want }, within, 10*time.Millisecond,
		"%s{%s}: want %d", name, label, want)
}

func (m *member) awaitOutcome(outcome string, n int) {
	m.t.Helper()
	count := func() int { return m.metric("records_total", outcome) }
	require.Eventually(m.t, func() bool { return count() >= n }, within, 10*time.Millisecond)
	require.Equal(m.t, n, count(), outcome)
}

// awaitHandled waits until n records are handled; where commits get lost on the
// way, some of them count as duplicates.
func (m *member) awaitHandled(n int) {
	m.t.Helper()
	count := func() int { return m.metric("records_total", "started") + m.metric("records_total", "duplicate") }
	require.Eventually(m.t, func() bool { return count() >= n }, within, 10*time.Millisecond)
	require.Equal(m.t, n, count())
}

// record is one that is not like any other, for a partition of its own choice.
func (b *bundle) record() *kgo.Record {
	key := fmt.Sprintf("key-%d", b.ids.Add(1))
	return &kgo.Record{Topic: events.TopicUploads, Key: []byte(key), Value: []byte("value of " + key)}
}

// announce publishes n records, each with its own key.
func (b *bundle) announce(n int) (keys []string) {
	b.t.Helper()
	for range n {
		r := b.record()
		require.NoError(b.t, b.producer.Publish(b.ctx, r))
		keys = append(keys, string(r.Key))
	}
	return keys
}

// announceOn publishes one record on each of the partitions.
func (b *bundle) announceOn(parts []int32) (keys []string) {
	b.t.Helper()
	var records []*kgo.Record
	for _, p := range parts {
		r := b.record()
		r.Partition = p
		records = append(records, r)
		keys = append(keys, string(r.Key))
	}
	b.publishThere(records...)
	return keys
}

// publishThere publishes records on the partitions that they name.
func (b *bundle) publishThere(records ...*kgo.Record) {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(b.t, err)
	defer cl.Close()
	require.NoError(b.t, cl.ProduceSync(b.ctx, records...).FirstErr())
}

// askCommitted sums the group's offsets over all partitions.
func (b *bundle) askCommitted() (sum int, err error) {
	offsets, err := b.admin.FetchOffsets(b.ctx, group)
	for _, o := range offsets.Sorted() {
		if o.Topic == events.TopicUploads && o.At > 0 {
			sum += int(o.At)
		}
	}
	return sum, err
}

func (b *bundle) committed() int {
	b.t.Helper()
	sum, err := b.askCommitted()
	require.NoError(b.t, err)
	return sum
}

// awaitCommitted goes on asking where a node is about to disappear.
func (b *bundle) awaitCommitted(n int) {
	b.t.Helper()
	var sum int
	require.Eventually(b.t, func() bool {
		var err error
		sum, err = b.askCommitted()
		return err == nil && sum >= n
	}, within, 10*time.Millisecond)
	require.Equal(b.t, n, sum)
}

// requireHandled checks that the record of each key was handled.
func (b *bundle) requireHandled(keys []string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		require.Positive(b.t, b.effects[key], key)
	}
}
