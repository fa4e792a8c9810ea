package lag_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/internal/kafka"
	"orak/operate/lag"
	"orak/test/broker"
)

// patience bounds the waits of tests. It is no expectation of speed.
const patience = 30 * time.Second

const (
	topic = "voices"
	group = "listeners"
)

// world is a broker with a topic of two partitions, and a sampler.
type world struct {
	t       *testing.T
	ctx     context.Context
	cfg     kafka.Config
	cl      *kgo.Client
	adm     *kadm.Client
	sampler *lag.Sampler
}

// brokers returns the addresses of two brokers of kfake, or of the broker in
// broker.Env, which one test at a time may use.
func brokers(t *testing.T) []string {
	t.Helper()
	if address := broker.Take(t); address != "" {
		return []string{address}
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	seeds := brokers(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, cfg: kafka.Config{Brokers: seeds, ClientID: "test"}}
	w.cl = w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordDeliveryTimeout(0))
	w.adm = kadm.NewClient(w.cl)
	_, err := w.adm.CreateTopic(ctx, 2, 1, nil, topic)
	require.NoError(t, err)
	broker.AwaitTopic(t, w.adm, topic, 2)
	w.sampler, err = lag.NewSampler(w.cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(w.sampler.Close)
	return w
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := kafka.NewClient(w.cfg, slog.New(slog.DiscardHandler), opts...)
	require.NoError(w.t, err)
	w.t.Cleanup(cl.Close)
	return cl
}

// produce writes records to a partition, the first at the given time and each
// a second later.
func (w *world) produce(partition int32, at time.Time, keys ...string) {
	w.t.Helper()
	var records []*kgo.Record
	for i, key := range keys {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key), Timestamp: at.Add(time.Duration(i) * time.Second)})
	}
	require.NoError(w.t, w.cl.ProduceSync(w.ctx, records...).FirstErr())
}

// commit commits an offset without joining the group.
func (w *world) commit(partition int32, offset int64) {
	w.t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(topic, partition, offset, -1)
	require.NoError(w.t, w.adm.CommitAllOffsets(w.ctx, group, offsets))
}

// consume reads n records as a member of the group, and commits them.
func (w *world) consume(member *kgo.Client, n int) {
	w.t.Helper()
	for n > 0 {
		fetches := member.PollRecords(w.ctx, n)
		require.NoError(w.t, fetches.Err0())
		n -= fetches.NumRecords()
		require.NoError(w.t, member.CommitRecords(w.ctx, fetches.Records()...))
	}
}

func (w *world) member(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	return w.client(append([]kgo.Opt{kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit()}, opts...)...)
}

// look adds a look at the group to the board, and reports.
func (w *world) look(board *lag.Board) lag.GroupReport {
	w.t.Helper()
	looks, err := w.sampler.Look(w.ctx, group)
	require.NoError(w.t, err)
	board.Add(looks)
	reports := board.Reports()
	require.Len(w.t, reports, 1)
	return reports[0]
}

// eventually looks until the group has a status, and returns that report. It calls
// between after each look.
func (w *world) eventually(board *lag.Board, want lag.Status, between func()) lag.GroupReport {
	w.t.Helper()
	for {
		report := w.look(board)
		if report.Status == want {
			return report
		}
		require.NoError(w.t, w.ctx.Err(), "it stayed %s", report.Status)
		between()
	}
}

func nothing() {}

// brief has a window of a few looks.
var brief = lag.Rules{Window: 100 * time.Millisecond}

// endless has a window that is never complete.
var endless = lag.Rules{Window: time.Hour}
