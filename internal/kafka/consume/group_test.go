package consume_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/events"
	"orak/internal/kafka/consume"
)

// assignment says which partitions each named member has.
func (b *bundle) assignment() map[string][]int32 {
	b.t.Helper()
	groups, err := b.admin.DescribeGroups(b.ctx, group)
	require.NoError(b.t, err)
	parts := make(map[string][]int32)
	for _, member := range groups[group].Members {
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

// While one member after the other restarts, the partitions of the others stay
// where they are and go on.
func TestRollingRestartStopsNoOtherPartition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	name := func(i int) string { return fmt.Sprint("bridge-", i) }
	start := func(i int) *member {
		return b.start(func(c *consume.Config) { c.InstanceID, c.SessionTimeout = name(i), within/2 })
	}
	members := []*member{start(0), start(1), start(2)}
	owned := func(m *member) int { return m.metric("assigned_partitions", "") }
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
	started := func(m *member) int { return m.metric("records_total", "started") }

	var keys []string
	for i := range members {
		members[i].stop()
		behind := b.announceOn(before[name(i)])
		for j, other := range members {
			if j == i {
				continue
			}
			had := started(other)
			keys = append(keys, b.announceOn(before[name(j)])...)
			other.awaitOutcome("started", had+4)
		}
		members[i] = start(i)
		members[i].awaitOutcome("started", 4)
		keys = append(keys, behind...)
	}
	require.Eventually(t, balanced, within, 20*time.Millisecond)
	after := b.assignment()
	for i := range members {
		require.ElementsMatch(t, before[name(i)], after[name(i)])
		require.Zero(t, members[i].metric("records_total", "duplicate"))
	}
	b.requireHandled(keys)
}

func TestBrokerAssignsThePartitionsOfTheConsumerProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t)
	next := func(c *consume.Config) { c.Protocol = consume.ProtocolConsumer }
	one := b.start(next)
	keys := b.announce(30)
	one.awaitHandled(30)
	b.awaitCommitted(30)
	two := b.start(next)
	owned := func(m *member) int { return m.metric("assigned_partitions", "") }
	require.Eventually(t, func() bool { return owned(one) == 6 && owned(two) == 6 }, within, 20*time.Millisecond)
	listed, err := b.admin.DescribeConsumerGroups(b.ctx, group)
	require.NoError(t, err)
	require.Len(t, listed[group].Members, 2, "the group is the broker's to assign")
	keys = append(keys, b.announce(30)...)
	b.awaitCommitted(60)
	one.stop()
	keys = append(keys, b.announce(30)...)
	b.awaitCommitted(90)
	b.requireHandled(keys)
}
