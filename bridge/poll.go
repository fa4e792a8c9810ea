package bridge

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// poll fetches records and hands them to their sessions until polling ends.
// The records' handling ends with run. What holds it back is that full
// partitions are paused.
func (b *Bridge) poll(polling, run context.Context, cl *kgo.Client) {
	for {
		fetches := cl.PollRecords(polling, b.buffer().records)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { b.acceptAll(cl, p.Records) })
		b.begin(run, cl)
		cl.AllowRebalance()
		if polling.Err() != nil {
			return
		}
		fetches.EachError(b.noteFetchError)
		b.takeUpRemade(polling, cl, fetches)
	}
}

// acceptAll hands the records of one partition to its session. It runs while
// rebalances are blocked, so it must not wait for anything.
func (b *Bridge) acceptAll(cl *kgo.Client, records []*kgo.Record) {
	for _, r := range records {
		p := partition{topic: r.Topic, id: r.Partition}
		b.mu.Lock()
		s := b.sessions[p]
		b.mu.Unlock()
		if s == nil {
			// Its next owner gets it: nothing of it was committed.
			b.log.Error("record of a partition that is not owned", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
			continue
		}
		if !s.accept(r) {
			s = b.replace(cl, s, r)
			s.accept(r)
		}
		b.metrics.buffered.Inc()
		b.turns.offer(s)
		b.regulate(cl, s)
	}
}

// replace begins a session anew after the partition's log was cut. What the
// old one still handles runs to its end and is committed by nobody.
func (b *Bridge) replace(cl *kgo.Client, old *session, r *kgo.Record) *session {
	b.log.Error("offsets went backwards: the log was cut, reading it again", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	fresh := newSession(old.partition, b.buffer())
	b.noteDropped(old.end())
	b.regulate(cl, old)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[old.partition] = fresh
	return fresh
}

// begin begins as many records as there is room for.
func (b *Bridge) begin(run context.Context, cl *kgo.Client) {
	for {
		s, r := b.turns.next()
		if r == nil {
			return
		}
		go b.work(run, cl, s, r)
	}
}

// work handles r, and then whatever is next.
func (b *Bridge) work(run context.Context, cl *kgo.Client, s *session, r *kgo.Record) {
	for r != nil {
		b.metrics.buffered.Dec()
		b.metrics.inflight.Inc()
		b.regulate(cl, s)
		j := &job{s: s, r: r, others: func() { b.begin(run, cl) }}
		b.handle(run, j)
		b.leave(j)
		s, r = b.turns.next()
	}
}

// noteDropped books records that were given up before they were begun.
func (b *Bridge) noteDropped(n int) {
	b.metrics.buffered.Sub(float64(n))
	b.metrics.records.WithLabelValues(string(outcomeAbandoned)).Add(float64(n))
}

func (b *Bridge) noteFetchError(topic string, id int32, err error) {
	b.metrics.fetchErrors.Inc()
	var loss *kgo.ErrDataLoss
	if errors.As(err, &loss) {
		b.log.Error("the log was cut below what was read", "topic", topic, "partition", id, "error", err)
		return
	}
	b.faults.warn(b.log, "fetching failed", "topic", topic, "partition", id, "error", err)
}
