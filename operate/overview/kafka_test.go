package overview

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/operate/lag"
)

func (w *world) group(name string) resource.LagGroup {
	w.t.Helper()
	found, err := w.Lag(w.t.Context())
	require.NoError(w.t, err)
	i := slices.IndexFunc(found.Groups, func(g resource.LagGroup) bool { return g.Group == name })
	require.GreaterOrEqual(w.t, i, 0, name)
	return found.Groups[i]
}

func (w *world) topic(name string) resource.Topic {
	w.t.Helper()
	found, err := w.Topics(w.t.Context())
	require.NoError(w.t, err)
	i := slices.IndexFunc(found.Topics, func(t resource.Topic) bool { return t.Name == name })
	require.GreaterOrEqual(w.t, i, 0, name)
	return found.Topics[i]
}

func TestGroupThatStopsNeedsAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.adm.CreateTopic(t.Context(), 2, 1, nil, events.TopicUploads)
	require.NoError(t, err)
	w.produce(0, 5)
	w.commit(events.GroupBridge, 0, 3)
	require.EqualValues(t, 2, w.group(events.GroupBridge).Lag)
	require.Equal(t, lag.ErrNoGroup.Error(), w.group(events.GroupLake).Error, "a group that does not exist says so")

	w.eventually(func() bool {
		w.produce(0, 1)
		return w.group(events.GroupBridge).Status == string(lag.StatusError)
	}, "the group is in ERROR")
	found := w.Attention(t.Context(), resource.EveryTenant)
	require.Empty(t, found.Unavailable)
	i := slices.IndexFunc(found.Items, func(i resource.AttentionItem) bool { return i.Kind == resource.AttentionLag })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, []string{events.GroupBridge, resource.SeverityCritical}, []string{found.Items[i].Group, found.Items[i].Severity})
	require.Contains(t, found.Items[i].Detail, events.TopicUploads+"/0 (STOP)")
	require.Len(t, found.Items, 1, "a group that does not exist needs nobody")

	w.eventually(func() bool {
		g := w.group(events.GroupBridge)
		w.commit(events.GroupBridge, 0, g.Partitions[0].End)
		return g.Status == string(lag.StatusOK)
	}, "the group has caught up")
	require.Empty(t, w.Attention(t.Context(), resource.EveryTenant).Items)
}

func TestTopicsHaveRatesAndImbalance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.adm.CreateTopic(t.Context(), 2, 1, nil, events.TopicUploads)
	require.NoError(t, err)
	first := w.topic(events.TopicUploads)
	require.Nil(t, first.Partitions[0].PerSecond, "one look has no rate")
	require.True(t, w.topic(events.TopicLifecycle).Missing)
	var seen resource.Topic
	w.eventually(func() bool {
		w.produce(0, 3)
		w.produce(1, 1)
		seen = w.topic(events.TopicUploads)
		return seen.Imbalance != nil && *seen.Partitions[1].PerSecond > 0
	}, "there are rates")
	require.InDelta(t, 1.5, *seen.Imbalance, 0.4)
	require.InDelta(t, *seen.Partitions[0].PerSecond+*seen.Partitions[1].PerSecond, *seen.PerSecond, 1e-9)
	require.Equal(t, 1, seen.Partitions[0].InSync)
	require.Zero(t, seen.UnderReplicated)
	require.Len(t, seen.Risks, 1)
	require.Equal(t, []string{"partitions", "2", "12"}, []string{seen.Risks[0].Code, seen.Risks[0].Have, seen.Risks[0].Want})
}

func TestWatchEndsWhenNobodyAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Lag(t.Context())
	require.NoError(t, err)
	w.watch.mu.Lock()
	require.True(t, w.watch.running)
	w.watch.asked = time.Now().Add(-2 * watchFor)
	w.watch.mu.Unlock()
	w.eventually(func() bool {
		w.watch.mu.Lock()
		defer w.watch.mu.Unlock()
		return !w.watch.running
	}, "it has ended")
	_, err = w.Lag(t.Context())
	require.NoError(t, err, "the next request starts it again")
}

func TestKafkaAwayIsSaidInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broker.Close()
	began := time.Now()
	_, err := w.Lag(t.Context())
	var f *orak.Fault
	require.True(t, errors.As(err, &f), "%v", err)
	require.Equal(t, orak.DependencyKafka, f.Dependency)
	_, err = w.Topics(t.Context())
	require.Error(t, err)
	found := w.Attention(t.Context(), resource.EveryTenant)
	require.Contains(t, found.Unavailable, resource.Unavailable{Part: "lag", Dependency: "kafka"})
	require.Len(t, found.Unavailable, 1, "Temporal is there")
	sinks, err := w.Sinks(t.Context())
	require.NoError(t, err)
	require.Contains(t, sinks.Unavailable, resource.Unavailable{Part: "lag", Dependency: "kafka"})
	require.Less(t, time.Since(began), 5*lookWithin)
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.out.String(), text)
}

func TestKafkaAwayIsLoggedOnceWhileAPageIsOpen(t *testing.T) {
	t.Parallel()
	var log lines
	w := newWorld(t, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	require.Empty(t, w.Attention(t.Context(), resource.EveryTenant).Unavailable)
	w.broker.Close()
	w.eventually(func() bool {
		_, err := w.Lag(t.Context())
		return err != nil
	}, "a look has failed")
	var seen error
	for looks := 0; looks < 3; {
		_, err := w.Lag(t.Context())
		if err != seen { // each look has an error of its own
			looks++
			seen = err
		}
		w.Attention(t.Context(), resource.EveryTenant)
		time.Sleep(10 * time.Millisecond) // between two requests of a page
	}
	require.Equal(t, 1, log.count("looking at Kafka for operators failed"))
	require.Equal(t, 1, log.count("a part of what needs a person cannot be read"))
}
