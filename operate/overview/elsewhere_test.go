package overview

import (
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/api/resource"
	"orak/events"
	"orak/internal/kafka"
	"orak/operate/lag"
)

// Bridges read every place of uploads: one that is stuck on any of them needs a person.
func TestGroupThatStopsOnAnotherClusterNeedsAPerson(t *testing.T) {
	t.Parallel()
	standby, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("standby"))
	require.NoError(t, err)
	t.Cleanup(standby.Close)
	cfg := kafka.Config{Brokers: standby.ListenAddrs(), ClientID: "test"}
	cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	adm := kadm.NewClient(cl)
	_, err = adm.CreateTopic(t.Context(), 1, 1, nil, events.TopicUploads)
	require.NoError(t, err)
	announce := func() {
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: events.TopicUploads, Value: []byte("x")}).FirstErr())
	}
	announce()
	var at kadm.Offsets
	at.AddOffset(events.TopicUploads, 0, 0, -1)
	require.NoError(t, adm.CommitAllOffsets(t.Context(), events.GroupBridge, at))

	var away atomic.Bool
	w := newWorld(t, func(d *Deps) {
		d.Elsewhere = []Elsewhere{{Name: "standby", Kafka: cfg, Groups: []string{events.GroupBridge}, Away: away.Load}}
	})
	_, err = w.adm.CreateTopic(t.Context(), 1, 1, nil, events.TopicUploads)
	require.NoError(t, err)
	w.produce(0, 2)
	w.commit(events.GroupBridge, 0, 0)
	g := w.group(events.GroupBridge)
	require.EqualValues(t, 3, g.Lag, "the sum of both clusters")
	require.Len(t, g.Partitions, 2)
	w.commit(events.GroupBridge, 0, 2)
	w.eventually(func() bool {
		announce()
		return w.group(events.GroupBridge).Status == string(lag.StatusError)
	}, "the group is in ERROR")
	items := w.Attention(t.Context(), resource.EveryTenant).Items
	require.Len(t, items, 1)
	require.Contains(t, items[0].Detail, events.TopicUploads+"@standby/0 (STOP)")

	standby.Close()
	w.eventually(func() bool { return w.group(events.GroupBridge).Error != "" }, "it says what cannot be read")
	require.Contains(t, w.group(events.GroupBridge).Error, "standby: ")
	away.Store(true)
	w.eventually(func() bool { return w.group(events.GroupBridge).Error == "" }, "a cluster that nothing needs is not asked")
}
