package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/bridge"
	"orak/events"
)

// assignment says which partitions each named member has.
func (b *bundle) assignment() map[string][]int32 {
	b.t.Helper()
	groups, err := b.admin.DescribeGroups(b.ctx, events.GroupBridge)
	require.NoError(b.t, err)
	parts := make(map[string][]int32)
	for _, member := range groups[events.GroupBridge].Members {
		if c, ok := member.Assigned.AsConsumer(); ok && member.InstanceID != nil {
			for _, topic := range c.Topics {
				parts[*member.InstanceID] = append(parts[*member.InstanceID], topic.Partitions...)
			}
		}
	}
	return parts
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

// While one bridge after the other restarts, the partitions of the others stay
// where they are and go on.
func TestRollingRestartStopsNoOtherPartition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	name := func(i int) string { return fmt.Sprint("bridge-", i) }
	start := func(i int) *member {
		return b.start(func(c *bridge.Config, _ *bridge.Deps) { c.InstanceID, c.SessionTimeout = name(i), within/2 })
	}
	members := []*member{start(0), start(1), start(2)}
	owned := func(m *member) int { return m.metric("orak_bridge_assigned_partitions", "") }
	balanced := func() bool {
		for _, m := range members {
			if owned(m) != 4 {
				return false
			}
		}
		parts := b.assignment()
		return len(parts[name(0)]) == 4 && len(parts[name(1)]) == 4 && len(parts[name(2)]) == 4
	}
	require.Eventually(t, balanced, within, 20*time.Millisecond)
	before := b.assignment()
	started := func(m *member) int { return m.metric("orak_bridge_records_total", "started") }

	var uploads []orak.Upload
	for i := range members {
		members[i].stop()
		behind := b.announceOn(before[name(i)])
		for j, other := range members {
			if j == i {
				continue
			}
			had := started(other)
			uploads = append(uploads, b.announceOn(before[name(j)])...)
			other.awaitOutcome("started", had+4)
		}
		members[i] = start(i)
		members[i].awaitOutcome("started", 4)
		uploads = append(uploads, behind...)
	}
	require.Eventually(t, balanced, within, 20*time.Millisecond)
	after := b.assignment()
	for i := range members {
		require.ElementsMatch(t, before[name(i)], after[name(i)])
		require.Zero(t, members[i].metric("orak_bridge_records_total", "duplicate"))
	}
	b.requireStarted(uploads)
}

func TestBrokerAssignsThePartitionsOfTheConsumerProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t)
	next := func(c *bridge.Config, _ *bridge.Deps) { c.Protocol = bridge.ProtocolConsumer }
	one := b.start(next)
	uploads := b.announce(30)
	one.awaitStarts(30)
	b.awaitCommitted(30)
	two := b.start(next)
	owned := func(m *member) int { return m.metric("orak_bridge_assigned_partitions", "") }
	require.Eventually(t, func() bool { return owned(one) == 6 && owned(two) == 6 }, within, 20*time.Millisecond)
	listed, err := b.admin.DescribeConsumerGroups(b.ctx, events.GroupBridge)
	require.NoError(t, err)
	require.Len(t, listed[events.GroupBridge].Members, 2, "the group is the broker's to assign")
	uploads = append(uploads, b.announce(30)...)
	b.awaitCommitted(60)
	one.stop()
	uploads = append(uploads, b.announce(30)...)
	b.awaitCommitted(90)
	b.requireStarted(uploads)
	require.Zero(t, b.deadLetters())
}
