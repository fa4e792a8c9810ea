package index_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/sinks/index"
	"orak/sinks/index/indextest"
	"orak/sinks/index/sqlite"
	"orak/test/broker"
)

// within is how long tests wait for what must happen; never an expectation of speed.
const within = 60 * time.Second

const tenant orak.Tenant = "acme"

// bundle is a broker, an index and what a test needs to look at both.
type bundle struct {
	t     *testing.T
	ctx   context.Context
	kafka kafka.Config
	cl    *kgo.Client
	admin *kadm.Client
	dir   string
	store *sqlite.Store
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
	b := &bundle{t: t, ctx: ctx, kafka: cfg, cl: cl, admin: kadm.NewClient(cl), dir: t.TempDir()}
	b.store = b.open(b.dir)
	b.makeTopics()
	return b
}

func (b *bundle) makeTopics() {
	b.t.Helper()
	require.NoError(b.t, kafka.EnsureTopics(b.ctx, b.cl, events.Topics(), 1))
	for _, topic := range events.Topics() {
		broker.AwaitTopic(b.t, b.admin, topic.Name, int(topic.Partitions))
	}
}

func (b *bundle) open(dir string) *sqlite.Store {
	b.t.Helper()
	s, err := sqlite.Open(b.ctx, sqlite.Config{Dir: dir})
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, s.Close()) })
	return s
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func config() index.Config {
	return index.Config{
		Config: consume.Config{
			Inflight: 64, CommitInterval: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
			DrainTimeout: 5 * time.Second, SessionTimeout: 10 * time.Second,
		},
		Batch: 20, Linger: 10 * time.Millisecond, WriteTimeout: 10 * time.Second, Connections: 1,
	}
}

// analyses has those that were too large for their events.
type analyses map[orak.UploadID]orak.Analysis

// Analysis implements index.Analyses.
func (a analyses) Analysis(_ context.Context, _ orak.Tenant, id orak.UploadID) (*orak.Analysis, error) {
	found, ok := a[id]
	if !ok {
		return nil, nil
	}
	return &found, nil
}

// member is an Index under test.
type member struct {
	*index.Index
	b   *bundle
	reg *prometheus.Registry
}

func (b *bundle) start(store index.Store, change func(*index.Config)) *member {
	b.t.Helper()
	cfg, reg := config(), prometheus.NewRegistry()
	if change != nil {
		change(&cfg)
	}
	m := &member{b: b, reg: reg, Index: index.New(cfg, index.Deps{
		Kafka: b.kafka, KafkaOpts: []kgo.Opt{kgo.HeartbeatInterval(200 * time.Millisecond)}, Store: store,
		Analyses: analyses{indextest.ID(7): {Audio: orak.Audio{DurationS: 77}}}, Publisher: kafka.NewProducer(b.cl), Log: quiet(), Metrics: reg,
	})}
	require.NoError(b.t, m.Start(b.ctx))
	b.t.Cleanup(m.stop)
	return m
}

func (m *member) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	require.NoError(m.b.t, m.Stop(ctx))
}

// kill cuts everything off, as near to a crash as one gets inside a process.
func (m *member) kill() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.Stop(ctx)
	m.stop()
}

// count returns orak_index_events_total.
func (m *member) count(result string) int {
	m.b.t.Helper()
	families, err := m.reg.Gather()
	require.NoError(m.b.t, err)
	for _, f := range families {
		for _, s := range f.GetMetric() {
			if f.GetName() == "orak_index_events_total" && s.GetLabel()[0].GetValue() == result {
				return int(s.GetCounter().GetValue())
			}
		}
	}
	return 0
}

func (b *bundle) publish(records ...*kgo.Record) {
	b.t.Helper()
	require.NoError(b.t, b.cl.ProduceSync(b.ctx, records...).FirstErr())
}

func received(t *testing.T, n int) *kgo.Record {
	t.Helper()
	e, err := events.NewReceived(indextest.Recording(tenant, n))
	require.NoError(t, err)
	return e.Record(events.TopicUploads)
}

func lifecycle(t *testing.T, kind events.Type, l events.Lifecycle) *kgo.Record {
	t.Helper()
	e, err := events.NewLifecycle(fmt.Sprint(l.Upload.ID, kind, l.Cycle), kind, l.Upload.ReceivedAt.Add(time.Hour), l)
	require.NoError(t, err)
	return e.Record(events.TopicLifecycle)
}

func completed(t *testing.T, n int) *kgo.Record {
	t.Helper()
	a := orak.Analysis{Audio: orak.Audio{DurationS: float64(n)}, Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: []float32{1, float32(n)}}}
	return lifecycle(t, events.Completed, events.Lifecycle{Upload: indextest.Recording(tenant, n), Status: orak.StatusCompleted, Analysis: &a})
}

func erased(t *testing.T, n int) *kgo.Record {
	t.Helper()
	e, err := events.NewLifecycle(fmt.Sprint(n, "erased"), events.Erased, time.Now(), events.Lifecycle{
		Upload: orak.BareUpload(tenant, indextest.ID(n)), Status: orak.StatusErased,
	})
	require.NoError(t, err)
	return e.Record(events.TopicLifecycle)
}

func (b *bundle) status(n int) orak.Status {
	u, err := b.store.Get(b.ctx, tenant, indextest.ID(n))
	switch {
	case errors.Is(err, index.ErrErased):
		return orak.StatusErased
	case errors.Is(err, index.ErrNotFound):
		return ""
	}
	require.NoError(b.t, err)
	return u.Status
}

func (b *bundle) awaitStatus(n int, want orak.Status) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.status(n) == want }, within, 5*time.Millisecond, "upload %d: want %s", n, want)
}

// awaitCommitted returns once the group has committed all of a topic.
func (b *bundle) awaitCommitted(topic string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		ends, err := b.admin.ListEndOffsets(b.ctx, topic)
		require.NoError(b.t, err)
		commits, err := b.admin.FetchOffsets(b.ctx, events.GroupIndex)
		if errors.Is(err, kerr.GroupIDNotFound) {
			return false // its first member has not joined
		}
		require.NoError(b.t, err)
		done := true
		ends.Each(func(end kadm.ListedOffset) {
			c, ok := commits.Lookup(topic, end.Partition)
			done = done && (end.Offset == 0 || ok && c.At == end.Offset)
		})
		return done
	}, within, 10*time.Millisecond)
}

func TestEventsBecomeRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.start(b.store, nil)
	b.publish(received(t, 1), received(t, 2), received(t, 3))
	b.awaitStatus(3, orak.StatusQueued)
	failure := &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "It is not audio."}
	b.publish(completed(t, 1), lifecycle(t, events.DeadLettered, events.Lifecycle{
		Upload: indextest.Recording(tenant, 2), Status: orak.StatusDeadLettered, Stage: orak.StageConvert, Failure: failure,
	}), completed(t, 3), erased(t, 3), received(t, 3), received(t, 1))
	b.awaitStatus(3, orak.StatusErased)
	b.awaitStatus(2, orak.StatusDeadLettered)
	b.awaitCommitted(events.TopicUploads)
	b.awaitCommitted(events.TopicLifecycle)
	u, err := b.store.Get(b.ctx, tenant, indextest.ID(1))
	require.NoError(t, err)
	require.Equal(t, indextest.Recording(tenant, 1), u.Upload)
	require.Equal(t, []float32{1, 1}, u.Voice.Embedding.Values)
	require.NoError(t, m.Ready(b.ctx))
}

func TestUnreadableEventIsBuriedAndBlocksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := completed(t, 1)
	bad.Value = []byte("\x00 not JSON")
	b.publish(bad, completed(t, 1))
	// These are the bridge's to judge: a bucket's notification, and an announcement
	// that cannot be read.
	b.publish(&kgo.Record{Topic: events.TopicUploads, Key: []byte(indextest.ID(2)), Value: []byte(`{"Records":[]}`)}, received(t, 2))
	m := b.start(b.store, nil)
	b.awaitStatus(1, orak.StatusCompleted)
	b.awaitStatus(2, orak.StatusQueued)
	require.Eventually(t, func() bool { return m.count("buried") == 1 && m.count("foreign") == 1 }, within, 5*time.Millisecond)

	reader, err := kafka.NewClient(b.kafka, quiet(), kgo.ConsumeTopics(events.TopicDeadLetters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer reader.Close()
	fetched := reader.PollFetches(b.ctx).Records()
	require.Len(t, fetched, 1)
	letter, err := events.DeadLetterFrom(fetched[0])
	require.NoError(t, err)
	require.Equal(t, bad.Value, letter.Origin.Value)
	require.Equal(t, orak.ClassInput, letter.Failure.Class)
	require.Equal(t, events.TopicLifecycle, letter.Origin.Topic)
}

func TestAnalysisThatWasTooLargeIsReadFromTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start(b.store, nil)
	b.publish(received(t, 7), lifecycle(t, events.Completed, events.Lifecycle{
		Upload: indextest.Recording(tenant, 7), Status: orak.StatusCompleted, AnalysisKey: orak.AnalysisKey(tenant, indextest.ID(7)),
	}))
	b.awaitStatus(7, orak.StatusCompleted)
	u, err := b.store.Get(b.ctx, tenant, indextest.ID(7))
	require.NoError(t, err)
	require.InDelta(t, 77, u.Voice.DurationS, 0)
}

// failing fails a call of Apply after it was done, as a connection does that breaks
// before the answer.
type failing struct {
	index.Store
	left atomic.Int64
}

// Apply implements index.Store.
func (f *failing) Apply(ctx context.Context, b index.Batch) (int, int64, error) {
	applied, next, err := f.Store.Apply(ctx, b)
	if err == nil && f.left.Add(-1) >= 0 {
		return 0, 0, errors.New("the connection is broken")
	}
	return applied, next, err
}

func TestBatchIsAppliedOnceWhateverBreaks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := &failing{Store: b.store}
	broken.left.Store(3)
	// Nothing is committed before the kill.
	first := b.start(broken, func(c *index.Config) { c.CommitInterval = time.Hour })
	const uploads = 60
	for n := range uploads {
		b.publish(received(t, n), completed(t, n))
	}
	for n := range uploads {
		b.awaitStatus(n, orak.StatusCompleted)
	}
	first.kill()
	second := b.start(b.store, nil)
	b.publish(received(t, uploads), completed(t, uploads), erased(t, 0))
	b.awaitStatus(uploads, orak.StatusCompleted)
	b.awaitStatus(0, orak.StatusErased)
	b.awaitCommitted(events.TopicLifecycle)
	b.awaitCommitted(events.TopicUploads)
	for n := 1; n <= uploads; n++ {
		require.Equal(t, orak.StatusCompleted, b.status(n))
	}
	second.stop()

	// Killed after the commit, too: what is known changes nothing.
	third := b.start(b.store, nil)
	b.publish(completed(t, 1))
	b.awaitCommitted(events.TopicLifecycle)
	require.Eventually(t, func() bool { return third.count("applied") == 1 }, within, 5*time.Millisecond)
	require.Zero(t, third.count("known"))
}

// An index that was removed, or comes from a backup, is behind the group's commits.
func TestIndexBehindTheCommitsIsReadForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.start(b.store, nil)
	for n := range 20 {
		b.publish(received(t, n), completed(t, n))
	}
	b.awaitCommitted(events.TopicUploads)
	b.awaitCommitted(events.TopicLifecycle)
	first.stop()
	b.store = b.open(t.TempDir())
	b.start(b.store, nil)
	for n := range 20 {
		b.awaitStatus(n, orak.StatusCompleted)
	}
}

// The standby becomes the main cluster, after the one before is dead for good: the stored
// offsets are of that, and larger than the commits of this.
func TestOffsetsOfTheClusterBeforeHideNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.start(b.store, nil)
	for n := range 20 {
		b.publish(received(t, n))
	}
	b.awaitStatus(19, orak.StatusQueued)
	b.awaitCommitted(events.TopicUploads)
	first.stop()
	for id := range events.Partitions {
		_, _, err := b.store.Apply(b.ctx, index.Batch{Topic: events.TopicUploads, Partition: int32(id), Next: 1_000_000})
		require.NoError(t, err)
	}
	b.start(b.store, nil)
	for n := range 20 {
		b.publish(received(t, 20+n))
	}
	for n := range 40 {
		b.awaitStatus(n, orak.StatusQueued)
	}
}

func TestDatabaseThatIsSetBackUnderTheIndexLeavesNoGap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.start(b.store, nil)
	for n := range 5 {
		b.publish(completed(t, n))
	}
	b.awaitCommitted(events.TopicLifecycle)
	for _, topic := range events.Topics() {
		for id := range topic.Partitions {
			require.NoError(t, b.open(b.dir).Forget(b.ctx, topic.Name, id)) // as in a new database
		}
	}
	b.publish(erased(t, 1))
	require.Eventually(t, func() bool {
		err := first.Ready(b.ctx)
		return err != nil && strings.Contains(err.Error(), "restart the index")
	}, within, 5*time.Millisecond)
	require.Equal(t, orak.StatusCompleted, b.status(1))
	first.stop()
	b.start(b.store, nil)
	b.awaitStatus(1, orak.StatusErased)
}

func TestTopicThatWasRecreatedIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.start(b.store, nil)
	for n := range 30 {
		b.publish(completed(t, n))
	}
	b.awaitCommitted(events.TopicLifecycle)
	_, err := b.admin.DeleteTopics(b.ctx, events.TopicLifecycle)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		topics, err := b.admin.ListTopics(b.ctx)
		return err == nil && !topics.Has(events.TopicLifecycle)
	}, within, 10*time.Millisecond)
	b.makeTopics()
	fresh, err := kafka.NewClient(b.kafka, quiet()) // the other one knows the old topic
	require.NoError(t, err)
	defer fresh.Close()
	// Its offsets begin below those that the index knows.
	for n := range 30 {
		require.NoError(t, fresh.ProduceSync(b.ctx, erased(t, n)).FirstErr())
	}
	for n := range 30 {
		b.awaitStatus(n, orak.StatusErased)
	}
}

func TestRebalanceLeavesEachUploadWithItsLastState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const uploads = 300
	members := []*member{b.start(b.store, nil)}
	for n := range uploads {
		b.publish(received(t, n))
		switch n {
		case uploads / 3:
			members = append(members, b.start(b.open(b.dir), nil))
		case uploads / 2:
			members[0].kill()
		case 2 * uploads / 3:
			members = append(members, b.start(b.open(b.dir), nil))
		}
		b.publish(completed(t, n))
		if n%10 == 0 {
			b.publish(erased(t, n))
		}
	}
	for n := range uploads {
		want := orak.StatusCompleted
		if n%10 == 0 {
			want = orak.StatusErased
		}
		b.awaitStatus(n, want)
	}
	b.awaitCommitted(events.TopicUploads)
	b.awaitCommitted(events.TopicLifecycle)
}

// Acts come from their own topic, and from requests that other programs announce; a record
// that cannot be read blocks nothing.
func TestActsAreInTheIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := events.Act{ID: "key/aaaa/7", At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Act: "key.revoke", By: "key/bbbb", Tenant: tenant, Subject: "aaaa"}
	record, err := own.Record()
	require.NoError(t, err)
	again, err := own.Record()
	require.NoError(t, err)
	announced, err := events.NewErasure(own.At.Add(time.Minute), events.Erasure{ID: indextest.ID(1), Tenant: tenant, By: "another program"})
	require.NoError(t, err)
	b.publish(record, &kgo.Record{Topic: events.TopicAudit, Value: []byte("no act")}, again, announced.Record(events.TopicUploads), received(t, 2))
	m := b.start(b.store, nil)
	var page index.ActPage
	require.Eventually(t, func() bool {
		page, err = b.store.Acts(b.ctx, index.ActQuery{Tenant: tenant})
		return err == nil && len(page.Acts) == 2
	}, within, 5*time.Millisecond)
	require.Equal(t, "upload.erase another program", page.Acts[0].Act+" "+page.Acts[0].By)
	require.Equal(t, own, page.Acts[1])
	b.awaitCommitted(events.TopicAudit)
	b.awaitStatus(2, orak.StatusQueued)
	require.Equal(t, 1, m.count("buried"))
}

func TestActsAreKeptForTheirTimeAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old, young := indextest.Act(0), indextest.Act(1)
	old.At, young.At = time.Now().Add(-2*time.Hour), time.Now()
	_, _, err := b.store.Apply(b.ctx, indextest.ActsOf(0, old, young))
	require.NoError(t, err)
	listed := func() []events.Act {
		page, err := b.store.Acts(b.ctx, index.ActQuery{Tenant: events.EveryTenant})
		require.NoError(t, err)
		return page.Acts
	}
	b.start(b.store, nil).stop()
	require.Len(t, listed(), 2, "0 keeps them for ever")
	m := b.start(b.store, func(c *index.Config) { c.KeepActs = time.Hour })
	require.Eventually(t, func() bool { return len(listed()) == 1 }, within, 5*time.Millisecond)
	require.Equal(t, young.ID, listed()[0].ID)
	require.Eventually(t, func() bool {
		families, err := m.reg.Gather()
		require.NoError(t, err)
		return slices.ContainsFunc(families, func(f *dto.MetricFamily) bool {
			return f.GetName() == "orak_index_pruned_acts_total" && f.GetMetric()[0].GetCounter().GetValue() == 1
		})
	}, within, 5*time.Millisecond)
}
