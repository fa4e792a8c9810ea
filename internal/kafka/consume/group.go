package consume

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchBytes bounds what one fetch brings, and so what waits in memory in
// front of the buffers. It counts compressed bytes, which small events like
// ours shrink some twentyfold: with 16 MiB a backlog took 400 MiB of heap, now
// 80 (docs/benchmarks.md). A larger record comes in a fetch of its own.
const fetchBytes = 1 << 20

// fetchWait bounds how long an idle fetch hangs at a broker. The client has
// one fetch underway for each broker, so this is also how long a partition
// that was just taken over may wait to be read.
const fetchWait = 500 * time.Millisecond

// groupOpts make the client a member of the group. run ends when the consumer is
// stopped hard.
func (c *Consumer) groupOpts(run context.Context) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(c.deps.Group),
		kgo.ConsumeTopics(c.deps.Topics...),
		// Others may announce in transactions; an aborted one starts nothing. The
		// records that end transactions are kept, so that commits pass them.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		// Without a commit, and after the log was truncated, everything is read
		// from the start: repeats are cheap and lost records are not.
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(c.cfg.SessionTimeout),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxWait(fetchWait),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
			c.assigned(ctx, parts)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, cl *kgo.Client, parts map[string][]int32) {
			c.revoked(run, cl, parts)
		}),
		kgo.OnPartitionsLost(func(ctx context.Context, cl *kgo.Client, parts map[string][]int32) {
			c.lost(ctx, cl, parts)
		}),
	}
	if c.cfg.Protocol == ProtocolConsumer {
		// The broker knows the sticky balancer by the name "uniform".
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	} else {
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	if c.deps.Resume != nil {
		opts = append(opts, kgo.AdjustFetchOffsetsFn(c.resume))
	}
	if c.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(c.cfg.InstanceID))
	}
	if c.cfg.Rack != "" {
		opts = append(opts, kgo.Rack(c.cfg.Rack))
	}
	return append(opts, c.deps.KafkaOpts...)
}

// resume asks Deps.Resume for every partition.
func (c *Consumer) resume(ctx context.Context, fetched map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	for topic, offsets := range fetched {
		for id, o := range offsets {
			committed := o.EpochOffset().Offset
			at, err := c.deps.Resume(ctx, topic, id, max(-1, committed))
			switch {
			case err != nil:
				c.faults.WarnContext(ctx, "finding where to resume failed; it is tried again", "topic", topic, "partition", id, "error", err)
				return nil, err
			case at < 0:
				offsets[id] = kgo.NewOffset().AtStart()
			case at != committed:
				offsets[id] = kgo.NewOffset().At(at)
			}
		}
	}
	return fetched, nil
}

// newSession begins a session of p.
func (c *Consumer) newSession(p partition) *session {
	return newSession(p, c.sessionsBegun.Add(1), c.buffer(), c.batch, c.overdue)
}

// Owns reports whether this member has a partition.
func (c *Consumer) Owns(topic string, id int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, owned := c.sessions[partition{topic: topic, id: id}]
	return owned
}

func (c *Consumer) assigned(ctx context.Context, parts map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			p := partition{topic: topic, id: id}
			c.sessions[p] = c.newSession(p)
			c.log.DebugContext(ctx, "partition assigned", "topic", topic, "partition", id)
		}
	}
	c.metrics.partitions.Set(float64(len(c.sessions)))
}

// revoked hands partitions over in good order: what can be finished within the
// bound is finished, and everything that is done is committed before another
// member reads on from there.
func (c *Consumer) revoked(run context.Context, cl *kgo.Client, parts map[string][]int32) {
	ending := c.sessionsOf(parts)
	drainCtx, cancel := context.WithTimeout(run, c.cfg.DrainTimeout)
	defer cancel()
	c.drain(drainCtx, cl, ending)
	c.committing.Lock()
	defer c.committing.Unlock()
	c.commit(context.WithoutCancel(run), cl, ending)
	c.forget(run, ending)
}

// lost ends the sessions of partitions that others own already: there is
// nothing to wait for and nothing that may be committed.
func (c *Consumer) lost(ctx context.Context, cl *kgo.Client, parts map[string][]int32) {
	ending := c.sessionsOf(parts)
	over, cancel := context.WithCancel(ctx)
	cancel()
	c.drain(over, cl, ending)
	c.committing.Lock()
	defer c.committing.Unlock()
	c.forget(ctx, ending)
}

// drain ends sessions side by side, so that the bound holds for all together.
func (c *Consumer) drain(ctx context.Context, cl *kgo.Client, sessions []*session) {
	var wg sync.WaitGroup
	for _, s := range sessions {
		c.noteDropped(s.end())
		c.regulate(cl, s)
		wg.Go(func() { s.drain(ctx) })
	}
	wg.Wait()
}

func (c *Consumer) sessionsOf(parts map[string][]int32) []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*session
	for topic, ids := range parts {
		for _, id := range ids {
			if s := c.sessions[partition{topic: topic, id: id}]; s != nil {
				found = append(found, s)
			}
		}
	}
	return found
}

func (c *Consumer) allSessions() []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*session, 0, len(c.sessions))
	for _, s := range c.sessions {
		all = append(all, s)
	}
	return all
}

func (c *Consumer) forget(ctx context.Context, sessions []*session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range sessions {
		if c.sessions[s.partition] == s {
			delete(c.sessions, s.partition)
		}
		c.log.DebugContext(ctx, "partition given up", "topic", s.partition.topic, "partition", s.partition.id)
	}
	c.metrics.partitions.Set(float64(len(c.sessions)))
}
