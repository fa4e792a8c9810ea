package bridge

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
)

// fetchBytes bounds what one fetch brings, and so what waits in memory in
// front of the buffers. It counts compressed bytes, which small events like
// ours shrink some twentyfold: with 16 MiB a backlog took 400 MiB of heap, now
// 80 (docs/benchmarks.md). A record that is larger comes all the same, alone.
const fetchBytes = 1 << 20

// fetchWait bounds how long an idle fetch hangs at a broker. The client has
// one fetch underway for each broker, so this is also how long a partition
// that was just taken over may wait to be read.
const fetchWait = 500 * time.Millisecond

// groupOpts make the client a member of the group. run lives until the bridge
// is stopped hard.
func (b *Bridge) groupOpts(run context.Context) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(events.GroupBridge),
		kgo.ConsumeTopics(events.TopicUploads),
		// Without a commit, and after the log was cut, everything is read
		// from the start: repeats are cheap and lost uploads are not.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(b.cfg.SessionTimeout),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxWait(fetchWait),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			b.assigned(parts)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, cl *kgo.Client, parts map[string][]int32) {
			b.revoked(run, cl, parts)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, cl *kgo.Client, parts map[string][]int32) {
			b.lost(cl, parts)
		}),
	}
	if b.cfg.Protocol == ProtocolConsumer {
		// The broker knows the sticky balancer by the name "uniform".
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	} else {
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	if b.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(b.cfg.InstanceID))
	}
	if b.cfg.Rack != "" {
		opts = append(opts, kgo.Rack(b.cfg.Rack))
	}
	return append(opts, b.deps.KafkaOpts...)
}

func (b *Bridge) assigned(parts map[string][]int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			p := partition{topic: topic, id: id}
			b.sessions[p] = newSession(p, b.buffer())
			b.log.Debug("partition assigned", "topic", topic, "partition", id)
		}
	}
	b.metrics.partitions.Set(float64(len(b.sessions)))
}

// revoked hands partitions over in good order: what can be finished within the
// bound is finished, and all that is settled is committed before another
// member reads on from there.
func (b *Bridge) revoked(run context.Context, cl *kgo.Client, parts map[string][]int32) {
	ending := b.sessionsOf(parts)
	drainCtx, cancel := context.WithTimeout(run, b.cfg.DrainTimeout)
	defer cancel()
	b.drain(drainCtx, cl, ending)
	b.committing.Lock()
	defer b.committing.Unlock()
	b.commit(context.WithoutCancel(run), cl, ending)
	b.forget(ending)
}

// lost ends the sessions of partitions that others own already: there is
// nothing to wait for and nothing that may be committed.
func (b *Bridge) lost(cl *kgo.Client, parts map[string][]int32) {
	ending := b.sessionsOf(parts)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	b.drain(over, cl, ending)
	b.committing.Lock()
	defer b.committing.Unlock()
	b.forget(ending)
}

// drain ends sessions side by side, so that the bound holds for all together.
func (b *Bridge) drain(ctx context.Context, cl *kgo.Client, sessions []*session) {
	var wg sync.WaitGroup
	for _, s := range sessions {
		b.noteDropped(s.end())
		b.regulate(cl, s)
		wg.Go(func() { s.drain(ctx) })
	}
	wg.Wait()
}

func (b *Bridge) sessionsOf(parts map[string][]int32) []*session {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []*session
	for topic, ids := range parts {
		for _, id := range ids {
			if s := b.sessions[partition{topic: topic, id: id}]; s != nil {
				found = append(found, s)
			}
		}
	}
	return found
}

func (b *Bridge) allSessions() []*session {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*session, 0, len(b.sessions))
	for _, s := range b.sessions {
		all = append(all, s)
	}
	return all
}

func (b *Bridge) forget(sessions []*session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range sessions {
		if b.sessions[s.partition] == s {
			delete(b.sessions, s.partition)
		}
		b.log.Debug("partition given up", "topic", s.partition.topic, "partition", s.partition.id)
	}
	b.metrics.partitions.Set(float64(len(b.sessions)))
}
