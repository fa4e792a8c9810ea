package consume_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/events"
	"orak/internal/kafka/consume"
)

// refuseJoins answers every join of the group with an error that is tried
// again.
func (b *bundle) refuseJoins(seen func()) {
	b.broker.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		seen()
		resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
		resp.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		return resp, nil, true
	})
}

// heartbeatsSay answers the next n heartbeats with err; seen counts them.
func (b *bundle) heartbeatsSay(err *kerr.Error, n int64) (seen *atomic.Int64) {
	seen = new(atomic.Int64)
	b.broker.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		if seen.Add(1) > n {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
		resp.ErrorCode = err.Code
		return resp, nil, true
	})
	return seen
}

// goesOn announces records before and after something happens to a working
// consumer, and requires that all are handled and committed.
func (b *bundle) goesOn(m *member, happens func()) {
	b.t.Helper()
	keys := b.announce(20)
	m.awaitHandled(20)
	b.awaitCommitted(20)
	happens()
	keys = append(keys, b.announce(20)...)
	b.awaitCommitted(40)
	b.requireHandled(keys)
}

func TestGroupErrorsLoseNothing(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]*kerr.Error{
		"coordinator moved":         kerr.NotCoordinator,
		"coordinator not available": kerr.CoordinatorNotAvailable,
		"member forgotten":          kerr.UnknownMemberID,
		"generation gone":           kerr.IllegalGeneration,
		"rebalance in progress":     kerr.RebalanceInProgress,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFake(t)
			m := b.start(nil)
			b.goesOn(m, func() {
				seen := b.heartbeatsSay(err, 2)
				require.Eventually(t, func() bool { return seen.Load() > 0 }, within, 10*time.Millisecond)
			})
		})
	}
}

// A fenced member is one whose instance id another member has taken, as far as the
// broker knows.
func TestFencedConsumerRejoins(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	m := b.start(func(c *consume.Config) { c.InstanceID = "bridge-1" })
	b.goesOn(m, func() {
		seen := b.heartbeatsSay(kerr.FencedInstanceID, 1)
		require.Eventually(t, func() bool { return seen.Load() > 0 }, within, 10*time.Millisecond)
	})
}

func TestFetchErrorsLoseNothing(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]*kerr.Error{
		"not the leader":   kerr.NotLeaderForPartition,
		"leader unknown":   kerr.LeaderNotAvailable,
		"epoch fenced":     kerr.FencedLeaderEpoch,
		"epoch unknown":    kerr.UnknownLeaderEpoch,
		"out of range":     kerr.OffsetOutOfRange,
		"storage error":    kerr.KafkaStorageError,
		"unknown topic id": kerr.UnknownTopicID,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupFake(t)
			m := b.start(nil)
			keys := b.announce(20)
			m.awaitHandled(20)
			b.awaitCommitted(20)
			seen := b.fetchesSay(code, 3)
			// Fetches name a partition only when something of it has changed.
			keys = append(keys, b.announce(20)...)
			require.Eventually(t, func() bool { return seen.Load() > 0 }, within, 10*time.Millisecond)
			b.awaitCommitted(40)
			b.requireHandled(keys)
			require.Equal(t, 40, m.metric("records_total", "started"), "an error may repeat records, and repeats start nothing")
		})
	}
}

// fetchesSay answers the next n fetches with err for each partition asked for.
func (b *bundle) fetchesSay(err *kerr.Error, n int64) (seen *atomic.Int64) {
	seen = new(atomic.Int64)
	b.broker.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		fetch := req.(*kmsg.FetchRequest)
		if len(fetch.Topics) == 0 || seen.Load() >= n {
			return nil, nil, false
		}
		seen.Add(1)
		resp := fetch.ResponseKind().(*kmsg.FetchResponse)
		for _, topic := range fetch.Topics {
			answer := kmsg.NewFetchResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				one := kmsg.NewFetchResponseTopicPartition()
				one.Partition, one.ErrorCode = p.Partition, err.Code
				answer.Partitions = append(answer.Partitions, one)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
	return seen
}

// What retention has deleted cannot be read; the rest is.
func TestLogTruncatedAtItsStartIsReadFromWhatRemains(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	b.announce(60)
	ends, err := b.admin.ListEndOffsets(b.ctx, events.TopicUploads)
	require.NoError(t, err)
	_, err = b.admin.DeleteRecords(b.ctx, ends.Offsets())
	require.NoError(t, err)
	stale := make(kadm.Offsets)
	for p := range events.Partitions {
		stale.AddOffset(events.TopicUploads, p, 0, -1)
	}
	require.NoError(t, b.admin.CommitAllOffsets(b.ctx, group, stale))
	keys := b.announceOn(allPartitions())
	b.start(nil).awaitHandled(12)
	b.requireHandled(keys)
	b.awaitCommitted(72)
}

// A topic that is recreated under a working consumer begins at 0 again: commits
// follow it, and nothing of the new log is skipped.
func TestRecreatedTopicIsReadFromItsStart(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	m := b.start(nil)
	b.announce(48)
	m.awaitHandled(48)
	b.awaitCommitted(48)
	_, err := b.admin.DeleteTopic(b.ctx, events.TopicUploads)
	require.NoError(t, err)
	b.makeTopics(events.TopicUploads)
	keys := b.announceOn(allPartitions())
	m.awaitHandled(60)
	b.requireHandled(keys)
}

// A coordinator that is gone must not keep a process from ending.
func TestGroupThatCannotBeLeftDoesNotKeepTheConsumer(t *testing.T) {
	t.Parallel()
	b := setupFake(t)
	m := b.start(func(c *consume.Config) { c.DrainTimeout = 100 * time.Millisecond })
	b.announce(20)
	b.awaitCommitted(20)
	var asked atomic.Int64
	b.broker.ControlKey(int16(kmsg.LeaveGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		asked.Add(1)
		resp := req.ResponseKind().(*kmsg.LeaveGroupResponse)
		resp.ErrorCode = kerr.CoordinatorNotAvailable.Code
		return resp, nil, true
	})
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	require.NoError(t, m.Stop(ctx))
	require.Greater(t, asked.Load(), int64(1), "it was tried again")
}
