package consume

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// poll fetches records and hands them to their sessions until polling ends;
// their handling ends with run. Pausing full partitions is what holds it back.
func (c *Consumer) poll(polling, run context.Context, cl *kgo.Client) {
	for {
		fetches := cl.PollRecords(polling, c.buffer().records)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { c.acceptAll(polling, cl, p.Records) })
		c.begin(run, cl)
		cl.AllowRebalance()
		if polling.Err() != nil {
			return
		}
		fetches.EachError(func(topic string, id int32, err error) { c.noteFetchError(polling, topic, id, err) })
		c.consumeRecreated(polling, cl, fetches)
	}
}

// acceptAll hands the records of one partition to its session. It runs while
// rebalances are blocked, so it must not wait for anything.
func (c *Consumer) acceptAll(ctx context.Context, cl *kgo.Client, records []*kgo.Record) {
	for _, r := range records {
		p := partition{topic: r.Topic, id: r.Partition}
		c.mu.Lock()
		s := c.sessions[p]
		c.mu.Unlock()
		if s == nil {
			// Its next owner reads it: it was not committed.
			c.log.ErrorContext(ctx, "record of a partition that is not assigned", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
			continue
		}
		if !s.accept(r) {
			s = c.replace(ctx, cl, s, r)
			s.accept(r)
		}
		if r.Attrs.IsControl() {
			continue // the end of a transaction
		}
		c.metrics.buffered.Inc()
		c.turns.offer(s)
		c.regulate(cl, s)
	}
}

// replace begins a new session after the partition's log was truncated. What the
// old one still handles runs to its end and is not committed.
func (c *Consumer) replace(ctx context.Context, cl *kgo.Client, old *session, r *kgo.Record) *session {
	c.log.ErrorContext(ctx, "offsets went backwards: the log was truncated; reading it again", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	fresh := c.newSession(old.partition)
	c.noteDropped(old.end())
	c.regulate(cl, old)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[old.partition] = fresh
	return fresh
}

// begin begins as many deliveries as there is room for.
func (c *Consumer) begin(run context.Context, cl *kgo.Client) {
	for {
		s, records := c.turns.next()
		if records == nil {
			return
		}
		go c.work(run, cl, s, records)
	}
}

// work handles records, and then what is next.
func (c *Consumer) work(run context.Context, cl *kgo.Client, s *session, records []*kgo.Record) {
	for records != nil {
		c.metrics.buffered.Sub(float64(len(records)))
		c.metrics.inflight.Add(float64(len(records)))
		c.regulate(cl, s)
		d := &Delivery{
			consumer: c, session: s, batch: records, bytes: size(records...),
			others: func() { c.begin(run, cl) },
		}
		c.handle(run, d)
		c.leave(d)
		s, records = c.turns.next()
	}
}

// noteDropped books records that were given up before they were begun.
func (c *Consumer) noteDropped(n int) {
	c.metrics.buffered.Sub(float64(n))
	c.metrics.records.WithLabelValues(Abandoned).Add(float64(n))
}

func (c *Consumer) noteFetchError(ctx context.Context, topic string, id int32, err error) {
	c.metrics.fetchErrors.Inc()
	var loss *kgo.ErrDataLoss
	if errors.As(err, &loss) {
		c.log.ErrorContext(ctx, "log was truncated below what was read", "topic", topic, "partition", id, "error", err)
		return
	}
	c.faults.WarnContext(ctx, "fetching failed", "topic", topic, "partition", id, "error", err)
}
