package lake_test

import (
	"context"
	"math/rand/v2"
	"slices"
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
	"orak/sinks/lake"
	"orak/sinks/lake/laketest"
	"orak/test/broker"
	"orak/test/lifecycle"
)

// within is how long tests wait for what must happen; never an expectation of speed.
const within = 60 * time.Second

// bundle is a broker, a store and what a test needs to look at both.
type bundle struct {
	t     *testing.T
	ctx   context.Context
	kafka kafka.Config
	cl    *kgo.Client
	admin *kadm.Client
	store lake.Store
}

func setup(t *testing.T) *bundle {
	t.Helper()
	address := broker.Take(t)
	brokers := []string{address}
	if address == "" {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
		require.NoError(t, err)
		t.Cleanup(fake.Close)
		brokers = fake.ListenAddrs()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*within)
	t.Cleanup(cancel)
	cfg := kafka.Config{Brokers: brokers, ClientID: "test", ReplicationFactor: 1}
	cl, err := kafka.NewClient(cfg, quiet(), kgo.MetadataMinAge(50*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	b := &bundle{t: t, ctx: ctx, kafka: cfg, cl: cl, admin: kadm.NewClient(cl), store: openStore(t)}
	require.NoError(t, kafka.EnsureTopics(ctx, cl, events.Topics(), 1))
	for _, topic := range events.Topics() {
		broker.AwaitTopic(t, b.admin, topic.Name, int(topic.Partitions))
	}
	return b
}

func config() lake.Config {
	return lake.Config{
		Config: consume.Config{
			Inflight: 16, CommitInterval: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
			DrainTimeout: time.Second, SessionTimeout: 6 * time.Second,
		},
		FileRecords: 50, FileAge: 50 * time.Millisecond, Writers: 2, PutTimeout: 10 * time.Second,
		Compact: lake.CompactConfig{Size: 1 << 20, Grace: time.Hour},
	}
}

func (b *bundle) make(cfg lake.Config, store lake.Store) *lake.Lake {
	return lake.New(cfg, lake.Deps{
		Kafka: b.kafka, KafkaOpts: []kgo.Opt{kgo.HeartbeatInterval(200 * time.Millisecond)}, Store: store,
		Publisher: kafka.NewProducer(b.cl), Log: quiet(), Metrics: prometheus.NewRegistry(),
	})
}

// publish writes n events, and returns what the lake is to have of them by partition.
func (b *bundle) publish(source *laketest.Source, n int) (rows, analyses int) {
	b.t.Helper()
	var records []*kgo.Record
	for range n {
		e, l := source.Next()
		r := e.Record(events.TopicLifecycle)
		records = append(records, r)
		if l.Analysis != nil {
			analyses++
		}
	}
	require.NoError(b.t, b.cl.ProduceSync(b.ctx, records...).FirstErr())
	return n, analyses
}

// awaitCommitted returns once the group has handled n records.
func (b *bundle) awaitCommitted(n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		offsets, err := b.admin.FetchOffsets(b.ctx, events.GroupLake)
		if err != nil {
			return false
		}
		sum := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { sum += max(0, o.At) })
		return sum >= int64(n)
	}, within, 20*time.Millisecond)
}

// Members of the group die at puts, are stopped and replaced, and get partitions of
// each other.
func TestGroupWritesEveryEventOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	source := laketest.NewSource(7)
	source.Step = 20 * time.Minute
	rows, analyses := b.publish(source, 1500)
	faulty := &deadly{Store: b.store, rng: rand.New(rand.NewPCG(7, 7))}
	faulty.every.Store(5)
	for i := range 3 {
		cfg := config()
		cfg.FileRecords = 20 + 30*i
		member, other := b.make(cfg, faulty), b.make(config(), faulty)
		require.NoError(t, member.Start(b.ctx))
		require.NoError(t, other.Start(b.ctx))
		more, others := b.publish(source, 300)
		rows, analyses = rows+more, analyses+others
		b.awaitCommitted(300 * (i + 1))
		gone, cancel := context.WithCancel(b.ctx)
		cancel() // cut off
		_ = member.Stop(gone)
		_ = other.Stop(gone)
	}
	faulty.every.Store(0)
	last := b.make(config(), faulty)
	require.NoError(t, last.Start(b.ctx))
	b.awaitCommitted(rows)
	require.NoError(t, last.Ready(b.ctx))
	require.NoError(t, last.Stop(b.ctx))

	c, err := laketest.ReadAll(t.Context(), b.store)
	require.NoError(t, err)
	require.Len(t, c.Lifecycle, rows)
	require.Len(t, c.Analyses, analyses)
	seen := make(map[string]bool)
	for _, r := range c.Lifecycle {
		require.False(t, seen[r.EventID], "%s is in the lake twice", r.EventID)
		seen[r.EventID] = true
	}
}

func TestUnreadableRecordIsBuriedAndBlocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := &kgo.Record{
		Topic: events.TopicLifecycle, Key: []byte("k"), Value: []byte("\x00not an event"),
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte{0xff}}},
	}
	unknown := events.Event{ID: "1", Type: "orak.upload.of_tomorrow", Source: events.Source, Subject: "0195a2b4-7c3d-7e8f-9a0b-1c2d3e4f5a6b", Data: []byte("{}")}
	require.NoError(t, b.cl.ProduceSync(b.ctx, bad, unknown.Record(events.TopicLifecycle)).FirstErr())
	rows, _ := b.publish(laketest.NewSource(8), 10)
	l := b.make(config(), b.store)
	require.NoError(t, l.Start(b.ctx))
	b.awaitCommitted(rows + 2)
	require.NoError(t, l.Stop(b.ctx))

	c, err := laketest.ReadAll(t.Context(), b.store)
	require.NoError(t, err)
	require.Len(t, c.Lifecycle, rows)
	reader, err := kafka.NewClient(b.kafka, quiet(), kgo.ConsumeTopics(events.TopicDeadLetters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer reader.Close()
	fetched := reader.PollRecords(b.ctx, 10).Records()
	require.Len(t, fetched, 1)
	letter, err := events.DeadLetterFrom(fetched[0])
	require.NoError(t, err)
	require.Equal(t, bad.Value, letter.Origin.Value)
	require.Equal(t, bad.Key, letter.Origin.Key)
	require.True(t, slices.EqualFunc(letter.Origin.Headers, bad.Headers, func(a events.Header, b kgo.RecordHeader) bool {
		return a.Key == b.Key && slices.Equal(a.Value, b.Value)
	}))
	require.Contains(t, letter.Failure.Message, "cannot be read")
}

func TestLakeStartsOnceAndStops(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.store.Ping(b.ctx)) // the client's connection is not the lake's to close
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		l := b.make(config(), b.store)
		return lifecycle.Part{Start: l.Start, Stop: l.Stop, Serves: l.Ready}
	})
}
