package bridge

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// poll fetches as many records as the budget has room for, hands them to their
// sessions, and so on until polling ends. The records' handling ends with run.
func (b *Bridge) poll(polling, run context.Context, cl *kgo.Client) {
	for {
		room := b.awaitRoom(polling)
		if room == 0 {
			return
		}
		fetches := cl.PollRecords(polling, room)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachRecord(func(r *kgo.Record) { b.accept(run, r) })
		cl.AllowRebalance()
		if polling.Err() != nil {
			return
		}
		fetches.EachError(b.noteFetchError)
	}
}

// awaitRoom waits until the budget has room and returns how much; 0 means
// that polling has ended.
func (b *Bridge) awaitRoom(polling context.Context) int {
	for {
		if polling.Err() != nil {
			return 0
		}
		if room := b.cfg.Inflight - int(b.outstanding.Load()); room > 0 {
			return room
		}
		select {
		case <-b.freed:
		case <-polling.Done():
		}
	}
}

// release gives n records' room back to the budget.
func (b *Bridge) release(n int) {
	b.metrics.inflight.Set(float64(b.outstanding.Add(int64(-n))))
	select {
	case b.freed <- struct{}{}:
	default:
	}
}

// accept hands r to the session of its partition. It runs while rebalances are
// blocked, so it must not wait for anything.
func (b *Bridge) accept(run context.Context, r *kgo.Record) {
	p := partition{topic: r.Topic, id: r.Partition}
	b.mu.Lock()
	s := b.sessions[p]
	b.mu.Unlock()
	if s == nil {
		// Its next owner gets it: nothing of it was committed.
		b.log.Error("record of a partition that is not owned", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
		return
	}
	first, known := s.accept(r)
	if !known {
		s = b.replace(s, r)
		first, _ = s.accept(r)
	}
	b.metrics.inflight.Set(float64(b.outstanding.Add(1)))
	if first {
		go b.runLane(run, s, string(r.Key))
	}
}

// replace begins a session anew after the partition's log was cut. What the
// old one still handles runs to its end and is committed by nobody.
func (b *Bridge) replace(old *session, r *kgo.Record) *session {
	b.log.Error("offsets went backwards: the log was cut, reading it again", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	fresh := newSession(old.partition)
	b.mu.Lock()
	b.sessions[old.partition] = fresh
	b.mu.Unlock()
	old.end()
	return fresh
}

// runLane handles the records of one key, one after the other, until none
// waits or the session ends.
func (b *Bridge) runLane(run context.Context, s *session, key string) {
	for {
		r, dropped := s.next(key)
		if r == nil {
			b.metrics.records.WithLabelValues(string(outcomeAbandoned)).Add(float64(dropped))
			b.release(dropped)
			return
		}
		b.handle(run, s, r)
		b.release(1)
	}
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
