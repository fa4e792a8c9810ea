package bridge_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
	"orak/test/broker"
	"orak/test/stack"
	"orak/workflows"
)

// within is how long tests wait for what must happen; never an expectation of
// speed.
const within = 60 * time.Second

// bundle is a broker, a namespace and what a test needs to look at both.
type bundle struct {
	t        *testing.T
	ctx      context.Context
	kafka    kafka.Config
	admin    *kadm.Client
	cl       *kgo.Client
	producer *kafka.Producer
	address  string
	ns       string
	temporal client.Client
}

// setup gives the test a broker: kfake, one for each test, or a turn at the one
// that broker.Env names.
func setup(t *testing.T) *bundle {
	t.Helper()
	brokers := []string{broker.Take(t)}
	if brokers[0] == "" {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
		require.NoError(t, err)
		t.Cleanup(fake.Close)
		brokers = fake.ListenAddrs()
	}
	b := newBundle(t, brokers...)
	b.makeTopics()
	return b
}

func newBundle(t *testing.T, brokers ...string) *bundle {
	t.Helper()
	servers := stack.Start(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*within)
	t.Cleanup(cancel)
	cfg := kafka.Config{Brokers: brokers, ClientID: "test", ReplicationFactor: 1}
	// It is not to believe for long that a topic is missing.
	cl, err := kafka.NewClient(cfg, quiet(), kgo.MetadataMinAge(50*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	ns := servers.Namespace(t)
	return &bundle{
		t: t, ctx: ctx, kafka: cfg, admin: kadm.NewClient(cl), cl: cl,
		producer: kafka.NewProducer(cl), address: servers.Temporal, ns: ns, temporal: servers.Client(t, ns),
	}
}

// makeTopics returns once the broker lets them be used, which on Apache Kafka
// is a moment after they were made.
func (b *bundle) makeTopics() {
	b.t.Helper()
	require.NoError(b.t, kafka.EnsureTopics(b.ctx, b.cl, events.Topics(), 1))
	for _, topic := range events.Topics() {
		broker.AwaitTopic(b.t, b.admin, topic.Name, int(topic.Partitions))
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// client connects to Temporal at address, through interceptors.
func (b *bundle) client(address string, interceptors ...grpc.UnaryClientInterceptor) client.Client {
	b.t.Helper()
	c, err := client.NewLazyClient(client.Options{
		HostPort: address, Namespace: b.ns, Logger: sdklog.NewStructuredLogger(quiet()),
		ConnectionOptions: client.ConnectionOptions{
			DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(interceptors...)},
		},
	})
	require.NoError(b.t, err)
	b.t.Cleanup(c.Close)
	return c
}

// member is one bridge under test.
type member struct {
	*bridge.Bridge
	t   *testing.T
	reg *prometheus.Registry
}

func config() bridge.Config {
	return bridge.Config{
		Config: consume.Config{
			Inflight: 64, CommitInterval: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
			DrainTimeout: 5 * time.Second, SessionTimeout: 10 * time.Second,
		},
		StartTimeout: 10 * time.Second, EagerStart: true,
	}
}

// start starts a bridge; change may change what it works with.
func (b *bundle) start(change func(*bridge.Config, *bridge.Deps)) *member {
	b.t.Helper()
	reg := prometheus.NewRegistry()
	cfg := config()
	deps := bridge.Deps{
		Kafka: b.kafka, Temporal: b.temporal, Namespace: b.ns, Publisher: b.producer, Log: quiet(), Metrics: reg,
		KafkaOpts: []kgo.Opt{kafka.Metrics(reg), kgo.HeartbeatInterval(200 * time.Millisecond)},
	}
	if change != nil {
		change(&cfg, &deps)
	}
	m := &member{Bridge: bridge.New(cfg, deps), t: b.t, reg: reg}
	require.NoError(b.t, m.Start(b.ctx))
	b.t.Cleanup(m.stop)
	return m
}

func (m *member) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	require.NoError(m.t, m.Stop(ctx))
}

// metric is the value of a counter or gauge; label is the value of its only
// label, or empty.
func (m *member) metric(name, label string) int {
	m.t.Helper()
	families, err := m.reg.Gather()
	require.NoError(m.t, err)
	for _, f := range families {
		if f.GetName() != name {
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

func (m *member) awaitOutcome(outcome string, n int) {
	m.t.Helper()
	count := func() int { return m.metric("orak_bridge_records_total", outcome) }
	require.Eventually(m.t, func() bool { return count() >= n }, within, 10*time.Millisecond)
	require.Equal(m.t, n, count(), outcome)
}

// awaitStarts waits until n records are done by a start; where answers get lost on
// the way, some of the starts count as duplicates.
func (m *member) awaitStarts(n int) {
	m.t.Helper()
	count := func() int {
		return m.metric("orak_bridge_records_total", "started") + m.metric("orak_bridge_records_total", "duplicate")
	}
	require.Eventually(m.t, func() bool { return count() >= n }, within, 10*time.Millisecond)
	require.Equal(m.t, n, count())
}

func newUpload() orak.Upload {
	id := orak.UploadID(fmt.Sprintf("0195a2b4-7c3d-7e8f-9a0b-%012x", rand.Uint64N(1<<48)))
	return orak.Upload{
		ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), ContentType: "audio/wav", Filename: "a.wav",
		Size: 10, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

func announcement(t *testing.T, u orak.Upload) *kgo.Record {
	t.Helper()
	e, err := events.NewReceived(u)
	require.NoError(t, err)
	return e.Record(events.TopicUploads)
}

// announce publishes n uploads.
func (b *bundle) announce(n int) []orak.Upload {
	b.t.Helper()
	uploads := make([]orak.Upload, n)
	var records []*kgo.Record
	for i := range uploads {
		uploads[i] = newUpload()
		records = append(records, announcement(b.t, uploads[i]))
	}
	b.publish(records...)
	return uploads
}

func (b *bundle) publish(records ...*kgo.Record) {
	b.t.Helper()
	for _, r := range records {
		require.NoError(b.t, b.producer.Publish(b.ctx, r))
	}
}

// askCommitted sums the group's offsets over all partitions.
func (b *bundle) askCommitted() (sum int, err error) {
	offsets, err := b.admin.FetchOffsets(b.ctx, events.GroupBridge)
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

// requireStarted checks that each upload has exactly its one run.
func (b *bundle) requireStarted(uploads []orak.Upload) map[orak.UploadID]string {
	b.t.Helper()
	runs := make(map[orak.UploadID]string)
	for _, u := range uploads {
		resp, err := b.temporal.DescribeWorkflowExecution(b.ctx, workflows.UploadWorkflowID(u.ID), "")
		require.NoError(b.t, err)
		info := resp.GetWorkflowExecutionInfo()
		require.Equal(b.t, info.GetFirstRunId(), info.GetExecution().GetRunId())
		runs[u.ID] = info.GetExecution().GetRunId()
	}
	return runs
}

// deadLetters is how many there are.
func (b *bundle) deadLetters() int {
	b.t.Helper()
	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicDeadLetters)
	require.NoError(b.t, err)
	sum := 0
	ends.Each(func(o kadm.ListedOffset) { sum += int(o.Offset) })
	return sum
}

// readDeadLetters waits for n letters.
func (b *bundle) readDeadLetters(n int) []*kgo.Record {
	b.t.Helper()
	cl, err := kafka.NewClient(b.kafka, quiet(), kgo.ConsumeTopics(events.TopicDeadLetters))
	require.NoError(b.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(b.t, ctx.Err(), "only %d of %d dead letters", len(records), n)
		records = append(records, fetches.Records()...)
	}
	require.Len(b.t, records, n)
	return records
}

// gate holds back what is published until it is opened.
type gate struct {
	deadletter.Publisher
	once sync.Once
	// held is closed when the first record arrives.
	held chan struct{}
	open chan struct{}
}

func newGate(p deadletter.Publisher) *gate {
	return &gate{Publisher: p, held: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) PublishDeadLetter(ctx context.Context, d events.DeadLetter) error {
	g.once.Do(func() { close(g.held) })
	select {
	case <-g.open:
		return g.Publisher.PublishDeadLetter(ctx, d)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func allPartitions() (all []int32) {
	for p := range events.Partitions {
		all = append(all, p)
	}
	return all
}

// announceOn announces one upload on each of the partitions.
func (b *bundle) announceOn(parts []int32) []orak.Upload {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(b.t, err)
	defer cl.Close()
	var uploads []orak.Upload
	for _, p := range parts {
		u := newUpload()
		r := announcement(b.t, u)
		r.Partition = p
		require.NoError(b.t, cl.ProduceSync(b.ctx, r).FirstErr())
		uploads = append(uploads, u)
	}
	return uploads
}
