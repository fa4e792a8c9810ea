package consume_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/events"
)

// coordinator is the node that coordinates the group.
func (b *bundle) coordinator() int32 { return b.broker.CoordinatorFor(group) }

// moveCoordinator makes another node the coordinator.
func (b *bundle) moveCoordinator() {
	b.t.Helper()
	before := b.coordinator()
	require.Eventually(b.t, func() bool {
		b.broker.RehashCoordinators()
		return b.coordinator() != before
	}, within, time.Millisecond)
}

// answeredBy counts the answers of a node to requests of a kind.
func (b *bundle) answeredBy(node int32, kind kmsg.Key) *atomic.Int64 {
	n := new(atomic.Int64)
	b.broker.ControlKey(int16(kind), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		if b.broker.CurrentNode() == node {
			n.Add(1)
		}
		return nil, nil, false
	})
	return n
}

func TestConsumerFollowsItsGroupsCoordinator(t *testing.T) {
	t.Parallel()
	b := setupNodes(t, 3)
	m := b.start(nil)
	b.goesOn(m, func() {
		b.moveCoordinator()
		beats := b.answeredBy(b.coordinator(), kmsg.Heartbeat)
		require.Eventually(t, func() bool { return beats.Load() > 0 }, within, 10*time.Millisecond)
	})
	require.NoError(t, m.Ready(b.ctx))
}

// The node that coordinates the group is removed for good, and the partitions that
// it led have other leaders.
func TestConsumerOutlivesItsGroupsCoordinator(t *testing.T) {
	t.Parallel()
	b := setupNodes(t, 3)
	m := b.start(nil)
	b.goesOn(m, func() {
		gone := b.coordinator()
		require.NoError(t, b.broker.RemoveNode(gone))
		require.NotEqual(t, gone, b.coordinator())
	})
	require.NoError(t, m.Ready(b.ctx))
}

func TestLeadersThatMoveUnderABacklogLoseNothing(t *testing.T) {
	t.Parallel()
	b := setupNodes(t, 3)
	keys := b.announce(150)
	m := b.start(nil)
	for handled := 30; handled <= 150; handled += 30 {
		started := func() bool { return m.metric("records_total", "started") >= handled }
		require.Eventually(t, started, within, time.Millisecond)
		b.broker.ShufflePartitionLeaders()
		b.moveCoordinator()
	}
	b.awaitCommitted(150)
	b.requireHandled(keys)
	require.Equal(t, 150, m.metric("records_total", "started"))
}

// logsEndAt makes the leaders say, of every epoch before theirs, that it ended
// there: what came after it was lost with the leader before.
func (b *bundle) logsEndAt(offset int64) *atomic.Int64 {
	asked := new(atomic.Int64)
	b.broker.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.broker.KeepControl()
		question := req.(*kmsg.OffsetForLeaderEpochRequest)
		resp := question.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, topic := range question.Topics {
			answer := kmsg.NewOffsetForLeaderEpochResponseTopic()
			answer.Topic = topic.Topic
			for _, p := range topic.Partitions {
				one := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				one.Partition, one.LeaderEpoch, one.EndOffset = p.Partition, p.LeaderEpoch, offset
				answer.Partitions = append(answer.Partitions, one)
				asked.Add(1)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
	return asked
}

// A leader that is elected without the latest records has a log that ends below
// what was read and committed. What is written there instead is read, although its
// offsets were committed before.
func TestLogTruncatedByAnElectionIsReadFromTheCut(t *testing.T) {
	t.Parallel()
	b := setupNodes(t, 3)
	m := b.start(nil)
	keys := append(b.announceOn(allPartitions()), b.announceOn(allPartitions())...)
	m.awaitHandled(24)
	b.awaitCommitted(24)

	asked := b.logsEndAt(1)
	b.broker.ShufflePartitionLeaders()
	require.Eventually(t, func() bool { return asked.Load() >= int64(events.Partitions) }, within, 10*time.Millisecond)
	// The second record of each partition is read once more.
	m.awaitOutcome("duplicate", int(events.Partitions))
	keys = append(keys, b.announceOn(allPartitions())...)
	m.awaitOutcome("started", 36)
	b.awaitCommitted(36)
	b.requireHandled(keys)
	require.NoError(t, m.Ready(b.ctx))
}
