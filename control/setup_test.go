package control_test

import (
	"cmp"
	"context"
	"io/fs"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/control"
	"orak/events"
	"orak/internal/kafka"
	"orak/test/broker"
	"orak/test/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// within bounds the waits of tests. It is no expectation of speed.
const within = 30 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// bundle is a broker with the topic, and its clients.
type bundle struct {
	t       *testing.T
	ctx     context.Context
	kafka   kafka.Config
	cl      *kgo.Client
	admin   *kadm.Client
	cluster *kfake.Cluster // only of embedded
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	if address := broker.Take(t); address != "" {
		return connect(t, nil, []string{address})
	}
	c := newCluster(t)
	return connect(t, c, c.ListenAddrs())
}

// embedded is setup for what only the embedded broker can do.
func embedded(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	c := newCluster(t)
	return connect(t, c, c.ListenAddrs())
}

func newCluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// slow makes the embedded broker take its time for some requests, as brokers with
// replicas do.
func (b *bundle) slow(by time.Duration, keys ...kmsg.Key) {
	for _, key := range keys {
		b.cluster.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			b.cluster.KeepControl()
			b.cluster.SleepControl(func() { time.Sleep(by) })
			return nil, nil, false
		})
	}
}

func connect(t *testing.T, cluster *kfake.Cluster, seeds []string) *bundle {
	t.Helper()
	b := &bundle{t: t, cluster: cluster, kafka: kafka.Config{Brokers: seeds, ClientID: "test", ReplicationFactor: 1}}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	t.Cleanup(cancel)
	cl, err := kafka.NewClient(b.kafka, quiet(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	b.ctx, b.cl, b.admin = ctx, cl, kadm.NewClient(cl)
	b.makeTopic()
	return b
}

func (b *bundle) makeTopic() {
	b.t.Helper()
	require.NoError(b.t, kafka.EnsureTopics(b.ctx, b.cl, events.Topics(), 1))
	broker.AwaitTopic(b.t, b.admin, events.TopicControl, 1)
}

var defaults = control.Config{MaxDocuments: 100, MaxBytes: 1 << 20, LoadWait: 200 * time.Millisecond}

// view starts a View; store may be nil.
func (b *bundle) view(store control.Store) *control.View {
	b.t.Helper()
	return b.viewWith(defaults, control.Deps{Kafka: b.kafka, Store: store})
}

func (b *bundle) viewWith(cfg control.Config, deps control.Deps) *control.View {
	b.t.Helper()
	if deps.Log == nil {
		deps.Log = quiet()
	}
	deps.Metrics = prometheus.NewRegistry()
	v := control.NewView(cfg, deps)
	require.NoError(b.t, v.Start(b.ctx))
	b.t.Cleanup(func() { require.NoError(b.t, v.Stop(context.Background())) })
	return v
}

// loaded starts a View and waits for the topic.
func (b *bundle) loaded() *control.View {
	b.t.Helper()
	v := b.view(nil)
	b.await(v.Loaded())
	return v
}

func (b *bundle) await(done <-chan struct{}) {
	b.t.Helper()
	select {
	case <-done:
	case <-b.ctx.Done():
		require.Fail(b.t, "waited too long")
	}
}

// until waits for a change of v after which holds is true.
func (b *bundle) until(v *control.View, holds func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	v.Watch(ctx, func() {
		if holds() {
			cancel()
		}
	})
	require.NoError(b.t, b.ctx.Err(), "waited too long")
}

func (b *bundle) writer(v *control.View) *control.Writer {
	return control.NewWriter(b.kafka, v, quiet())
}

// set makes a change that must succeed.
func (b *bundle) set(v *control.View, c control.Change) int64 {
	b.t.Helper()
	c.Seen = v.Version(c.Setting, c.Tenant)
	if c.By == "" {
		c.By = "ann"
	}
	version, err := b.writer(v).Apply(b.ctx, c)
	require.NoError(b.t, err)
	return version
}

// produce writes a record as another program might.
func (b *bundle) produce(key, value string) {
	b.t.Helper()
	r := &kgo.Record{Topic: events.TopicControl, Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	require.NoError(b.t, b.cl.ProduceSync(b.ctx, r).FirstErr())
}

// memory is a Store.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	put     chan struct{}
	down    error
	// unreadable fails Get, which asked counts.
	unreadable error
	asked      chan struct{}
}

func newMemory() *memory {
	return &memory{objects: map[string][]byte{}, put: make(chan struct{}, 100), asked: make(chan struct{}, 100)}
}

// Get implements control.Store.
func (m *memory) Get(_ context.Context, key string, _ int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked <- struct{}{}
	value, ok := m.objects[key]
	switch {
	case m.down != nil || m.unreadable != nil:
		return nil, cmp.Or(m.down, m.unreadable)
	case !ok:
		return nil, fs.ErrNotExist
	}
	return value, nil
}

func (m *memory) setUnreadable(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unreadable = err
}

// Put implements control.Store.
func (m *memory) Put(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return m.down
	}
	m.objects[key] = value
	m.put <- struct{}{}
	return nil
}
