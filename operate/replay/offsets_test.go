package replay_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
	"orak/operate/replay"
)

func (b *bundle) offsets() *replay.Offsets {
	return replay.NewOffsets(b.kafka, quiet(), events.GroupBridge, events.TopicUploads)
}

func (b *bundle) show() replay.Group {
	b.t.Helper()
	g, err := b.offsets().Show(b.ctx)
	require.NoError(b.t, err)
	return g
}

func TestOffsetsOfAnUnknownGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.announce(9)
	g := b.show()
	require.Equal(t, "Dead", g.State)
	require.Empty(t, g.Members)
	require.Len(t, g.Partitions, int(events.Partitions))
	require.EqualValues(t, 9, g.Lag())
	require.Equal(t, replay.NoOffset, g.Partitions[0].Committed)
}

func TestResetMovesAnEmptyGroupWithinTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.announce(40)
	committed := b.commitLive()
	require.Zero(t, b.show().Lag())

	for _, step := range []struct {
		name string
		to   replay.Target
		want func(p replay.Partition) int64
	}{
		{"earliest", replay.Target{Earliest: true}, func(p replay.Partition) int64 { return p.Start }},
		{"latest", replay.Target{Latest: true}, func(p replay.Partition) int64 { return p.End }},
		{"time", replay.Target{Time: time.Now().Add(-time.Hour)}, func(p replay.Partition) int64 { return p.Start }},
		{"time to come", replay.Target{Time: time.Now().Add(time.Hour)}, func(p replay.Partition) int64 { return p.End }},
		{"one offset", replay.Target{Offsets: map[int32]int64{0: 0}}, func(p replay.Partition) int64 {
			if p.ID == 0 {
				return 0
			}
			return p.End
		}},
		{"beyond the log", replay.Target{Offsets: map[int32]int64{0: 1 << 40}}, func(p replay.Partition) int64 { return p.End }},
	} {
		before := b.live()
		_, changes, err := b.offsets().Preview(b.ctx, step.to)
		require.NoError(t, err, step.name)
		require.Equal(t, before, b.live(), "%s: a preview moves nothing", step.name)
		for _, c := range changes {
			require.NotEqual(t, c.From, c.To)
			require.Equal(t, max(0, c.From-c.To), c.Again)
			require.Equal(t, max(0, c.To-c.From), c.Skip)
		}
		require.NoError(t, b.offsets().Reset(b.ctx, changes), step.name)
		for _, p := range b.show().Partitions {
			require.Equal(t, step.want(p), p.Committed, "%s: partition %d", step.name, p.ID)
		}
	}
	require.Equal(t, committed, b.live())
	_, _, err := b.offsets().Preview(b.ctx, replay.Target{Offsets: map[int32]int64{12: 0}})
	require.ErrorContains(t, err, "partition 12")
}

func TestResetIsRefusedWhileAMemberIsActive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.announce(20)
	b.commitLive()
	_, changes, err := b.offsets().Preview(b.ctx, replay.Target{Earliest: true})
	require.NoError(t, err)
	require.NotEmpty(t, changes)

	for i, opts := range [][]kgo.Opt{
		{kgo.Balancers(kgo.CooperativeStickyBalancer())},
		{kgo.ServerSideBalancer()}, // KIP-848
	} {
		cfg := b.kafka
		cfg.ClientID = "member"
		assigned := make(chan struct{}, 100)
		member, err := kafka.NewClient(cfg, quiet(), append(opts,
			kgo.ConsumerGroup(events.GroupBridge), kgo.ConsumeTopics(events.TopicUploads), kgo.DisableAutoCommit(),
			kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { assigned <- struct{}{} }))...)
		require.NoError(t, err)
		select {
		case <-assigned:
		case <-time.After(within):
			t.Fatal("the member was assigned nothing")
		}
		before := b.live()
		g := b.show()
		require.Len(t, g.Members, 1, "protocol %d, %s", i, g.State)
		require.Contains(t, g.Members[0], "member at ")
		require.ErrorIs(t, b.offsets().Reset(b.ctx, changes), replay.ErrActive)
		require.Equal(t, before, b.live())
		member.Close()
		require.Eventually(t, func() bool { return !b.show().Active() }, within, 20*time.Millisecond)
	}
	require.NoError(t, b.offsets().Reset(b.ctx, changes))
	require.EqualValues(t, 20, b.show().Lag())
}
