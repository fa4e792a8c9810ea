package feed_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/feed"
	"orak/test/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

const within = 20 * time.Second

// topic is a broker with the topic, and who writes to it.
type topic struct {
	t      *testing.T
	broker *kfake.Cluster
	cl     *kgo.Client
}

func setup(t *testing.T) *topic {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, events.TopicLifecycle))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	cl, err := kafka.NewClient(config(broker), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return &topic{t, broker, cl}
}

func config(c *kfake.Cluster) kafka.Config {
	return kafka.Config{Brokers: c.ListenAddrs(), ClientID: "test"}
}

// feed is one process's.
func (k *topic) feed(behind int) *feed.Feed {
	return feed.New(feed.Config{MaxBehind: behind, MaxResumes: 2, MaxTenantResumes: 2}, config(k.broker), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// says puts an event of an upload of a tenant on the topic, and returns its file name.
func (k *topic) says(tenant orak.Tenant, name string) string {
	k.t.Helper()
	id := orak.UploadID(uuid.NewString())
	u := orak.Upload{
		ID: id, Tenant: tenant, Key: orak.OriginalKey(tenant, id), ContentType: "audio/wav", Filename: name,
		Size: 1, SHA256: strings.Repeat("0", 64), ReceivedAt: time.Now().UTC(),
	}
	e, err := events.NewLifecycle(string(id)+"/c", events.Converted, time.Now(), events.Lifecycle{Upload: u, Status: orak.StatusAnalyzing, AudioKey: orak.AudioKey(tenant, id)})
	require.NoError(k.t, err)
	require.NoError(k.t, k.cl.ProduceSync(k.t.Context(), e.Record(events.TopicLifecycle)).FirstErr())
	return name
}

// follower is a reader that collects what it gets.
type follower struct {
	t    *testing.T
	stop context.CancelFunc
	done chan error

	mu    sync.Mutex
	names []string
	last  string
	lost  bool
	begun chan struct{}
	once  sync.Once
}

func (k *topic) follow(f *feed.Feed, tenant orak.Tenant, after string) *follower {
	ctx, stop := context.WithCancel(k.t.Context())
	w := &follower{t: k.t, stop: stop, done: make(chan error, 1), begun: make(chan struct{})}
	go func() { w.done <- f.Follow(ctx, tenant, after, 50*time.Millisecond, w.take) }()
	k.t.Cleanup(stop)
	select {
	case <-w.begun:
	case err := <-w.done:
		require.NoError(k.t, err)
	case <-time.After(within):
		require.Fail(k.t, "no first step")
	}
	return w
}

func (w *follower) take(step events.Followed) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.lost = step.Position, w.lost || step.Lost
	if step.Lifecycle != nil {
		w.names = append(w.names, step.Lifecycle.Upload.Filename)
	}
	w.once.Do(func() { close(w.begun) })
	return nil
}

func (w *follower) gets(want ...string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.names) >= len(want)
	}, within, 5*time.Millisecond, "want %v", want)
	w.mu.Lock()
	defer w.mu.Unlock()
	require.ElementsMatch(w.t, want, w.names)
}

// ends stops the reader, and returns its last position.
func (w *follower) ends() string {
	w.t.Helper()
	w.stop()
	require.ErrorIs(w.t, <-w.done, context.Canceled)
	return w.last
}

func TestFollowGivesTheEventsOfOneTenant(t *testing.T) {
	t.Parallel()
	k := setup(t)
	k.says("choir", "before")
	f := k.feed(100)
	choir, band := k.follow(f, "choir", ""), k.follow(f, "band", "")
	a, b, c := k.says("choir", "a"), k.says("band", "b"), k.says("choir", "c")
	choir.gets(a, c)
	band.gets(b)
	choir.ends()
	d := k.says("band", "d")
	band.gets(b, d)
	band.ends()
}

func TestFollowResumesInAnotherProcess(t *testing.T) {
	t.Parallel()
	k := setup(t)
	first := k.follow(k.feed(100), "choir", "")
	first.gets(k.says("choir", "a"))
	position := first.ends()
	var missed []string
	for i := range 20 {
		missed = append(missed, k.says("choir", fmt.Sprint("missed ", i)))
		k.says("band", "other")
	}
	f := k.feed(100)
	other := k.follow(f, "band", "")
	next := k.follow(f, "choir", position)
	next.gets(missed...)
	missed = append(missed, k.says("choir", "live"))
	next.gets(missed...)
	require.False(t, next.lost)
	again := k.follow(f, "choir", next.ends())
	again.gets(k.says("choir", "again"))
	again.ends()
	other.ends()
}

// Every event comes although readers come, go and resume while events are written.
func TestFollowLosesNothingOverManyReconnections(t *testing.T) {
	t.Parallel()
	k := setup(t)
	feeds := []*feed.Feed{k.feed(10_000), k.feed(10_000)}
	want := map[string]bool{}
	w := k.follow(feeds[0], "choir", "")
	got := map[string]bool{}
	for round := range 12 {
		writing := make(chan []string)
		go func() {
			var names []string
			for i := range 15 {
				names = append(names, k.says("choir", fmt.Sprint(round, "-", i)))
			}
			writing <- names
		}()
		position := w.ends()
		for _, name := range w.names {
			got[name] = true
		}
		w = k.follow(feeds[round%2], "choir", position)
		for _, name := range <-writing {
			want[name] = true
		}
	}
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, name := range w.names {
			got[name] = true
		}
		return len(got) == len(want)
	}, within, 10*time.Millisecond)
	require.Equal(t, want, got)
	require.False(t, w.lost)
	w.ends()
}

func TestFollowSaysThatEventsWereLost(t *testing.T) {
	t.Parallel()
	k := setup(t)
	first := k.follow(k.feed(100), "choir", "")
	first.gets(k.says("choir", "a"))
	position := first.ends()
	for i := range 30 {
		k.says("choir", fmt.Sprint(i))
	}
	for why, given := range map[string]string{
		"too far behind": position, "not a position": "!", "of nothing": "AAAA", "of another topic": "AAAAAAAAAA",
		"huge": strings.Repeat("_", 2000),
	} {
		f := k.feed(29)
		w := k.follow(f, "choir", given)
		require.True(t, w.lost, why)
		w.gets(k.says("choir", "live"))
		w.ends()
	}

	adm := kadm.NewClient(k.cl)
	ends, err := adm.ListEndOffsets(t.Context(), events.TopicLifecycle)
	require.NoError(t, err)
	_, err = adm.DeleteRecords(t.Context(), ends.Offsets())
	require.NoError(t, err)
	k.says("choir", "behind the deletion")
	w := k.follow(k.feed(1000), "choir", position)
	require.True(t, w.lost, "deleted by the retention")
	w.gets(k.says("choir", "live"))
	w.ends()
}

func TestReaderThatDoesNotKeepUpIsEnded(t *testing.T) {
	t.Parallel()
	k := setup(t)
	f := k.feed(10_000)
	quick := k.follow(f, "choir", "")
	begun, blocked := make(chan struct{}), make(chan struct{})
	done, once := make(chan error, 1), sync.Once{}
	last, seen := "", map[string]bool{}
	go func() {
		done <- f.Follow(t.Context(), "choir", "", time.Second, func(step events.Followed) error {
			once.Do(func() { close(begun) })
			if step.Lifecycle != nil {
				<-blocked
				seen[step.Lifecycle.Upload.Filename] = true
			}
			last = step.Position
			return nil
		})
	}()
	<-begun
	var names []string
	for i := range 300 {
		names = append(names, k.says("choir", fmt.Sprint(i)))
	}
	quick.gets(names...)
	quick.ends()
	close(blocked)
	require.ErrorIs(t, <-done, feed.ErrBehind)
	w := k.follow(f, "choir", last)
	// Only the events of one upload have an order.
	w.gets(slices.DeleteFunc(names, func(name string) bool { return seen[name] })...)
	w.ends()
}

func TestFollowWaitsForKafkaNoLongerThanItsReader(t *testing.T) {
	t.Parallel()
	f := feed.New(feed.Config{MaxBehind: 1, MaxResumes: 1}, kafka.Config{Brokers: []string{"127.0.0.1:1"}, ClientID: "test"}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := f.Follow(ctx, "choir", "", time.Second, func(events.Followed) error { return errors.New("no step is possible") })
	require.Error(t, err)
	require.NotContains(t, err.Error(), "no step")
}

// Clients that read slowly keep their places: those of one tenant must not have all.
func TestResumptionsOfOneTenantLeavePlacesToOthers(t *testing.T) {
	t.Parallel()
	k := setup(t)
	reg := prometheus.NewRegistry()
	f := feed.New(feed.Config{MaxBehind: 100, MaxResumes: 2, MaxTenantResumes: 1}, config(k.broker), slog.New(slog.DiscardHandler), reg)
	first := k.follow(f, "choir", "")
	after := first.last
	first.stop()
	<-first.done
	k.says("choir", "a")
	k.says("band", "b")

	resumes := func(state string) float64 {
		families, err := reg.Gather()
		require.NoError(t, err)
		for _, family := range families {
			for _, m := range family.GetMetric() {
				if family.GetName() == "orak_feed_resumes" && m.GetLabel()[0].GetValue() == state {
					return m.GetGauge().GetValue()
				}
			}
		}
		return -1
	}
	ctx, stop := context.WithCancel(t.Context())
	const slow = 5
	ended := make(chan error, slow)
	for range slow {
		go func() {
			ended <- f.Follow(ctx, "choir", after, 50*time.Millisecond, func(events.Followed) error {
				<-ctx.Done()
				return ctx.Err()
			})
		}()
	}
	require.Eventually(t, func() bool { return resumes("reading") == 1 && resumes("waiting") == slow-1 }, within, 5*time.Millisecond)
	other := k.follow(f, "band", after)
	other.gets("b")
	require.Eventually(t, func() bool { return resumes("reading") == 1 }, within, 5*time.Millisecond)
	stop()
	for range slow {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	require.Zero(t, resumes("waiting"))
	later := k.follow(f, "choir", after)
	later.gets("a")
	require.Eventually(t, func() bool { return resumes("reading") == 0 }, within, 5*time.Millisecond)
}
