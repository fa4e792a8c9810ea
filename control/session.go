package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
)

const (
	// retryWait is the time between two attempts to follow the topic, and to read
	// the snapshot.
	retryWait = time.Second
	// boundsWait bounds the question where the topic ends.
	boundsWait = 10 * time.Second
	// fetchBytes bounds what is fetched ahead, in bytes.
	fetchBytes = 4 << 20
)

// run loads the snapshot and follows the topic until ctx ends.
func (v *View) run(ctx context.Context) {
	read := v.trySnapshot(ctx)
	var falling sync.WaitGroup
	falling.Go(func() { v.fallBack(ctx, read) })
	defer falling.Wait()
	for {
		err := v.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		v.lose(err)
		v.faults.WarnContext(ctx, "control topic cannot be followed; the documents that are known stay in effect", "error", err)
		if !sleep(ctx, retryWait) {
			return
		}
	}
}

// lose notes that the topic is not followed any more.
func (v *View) lose(err error) {
	v.metrics.live.Set(0)
	v.mu.Lock()
	v.failure = err
	s := v.now
	v.mu.Unlock()
	if s.live {
		s.live = false
		v.set(s)
	}
}

// sleep returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// session is one reading of the topic, from its start. It collects the documents
// apart until it has passed the end that it saw first, so that lookups never see
// half of them.
type session struct {
	view *View
	state
	end int64
	// passed says that the state is that of the View.
	passed bool
}

// follow reads the topic from its start until ctx ends, or until the topic has to
// be read anew: it was deleted, recreated or truncated.
func (v *View) follow(ctx context.Context) error {
	cl, err := kafka.NewClient(v.deps.Kafka, v.deps.Log,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{events.TopicControl: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the last record before the end may be one
		kgo.FetchMaxBytes(fetchBytes))
	if err != nil {
		return err
	}
	defer cl.Close()
	topic, start, end, err := bounds(ctx, cl)
	if err != nil {
		return err
	}
	s := &session{view: v, end: end, state: state{entries: newEntries(), topic: topic, next: start, live: true}}
	v.follows(cl)
	defer v.follows(nil)
	s.pass(ctx)
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			return fmt.Errorf("reading %s: %w", events.TopicControl, e.Err)
		}
		s.take(ctx, fetches.Records())
		s.pass(ctx)
	}
}

// bounds returns the id of the topic, the first offset, and the one behind the last
// committed record.
func bounds(ctx context.Context, cl *kgo.Client) (topic string, start, end int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, boundsWait)
	defer cancel()
	adm := kadm.NewClient(cl)
	topics, err := adm.ListTopics(ctx, events.TopicControl)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return "", 0, 0, fmt.Errorf("looking for %s: %w", events.TopicControl, err)
	}
	if start, err = offset(adm.ListStartOffsets(ctx, events.TopicControl)); err != nil {
		return "", 0, 0, err
	}
	end, err = committedEnd(ctx, adm)
	return topics[events.TopicControl].ID.String(), start, end, err
}

func committedEnd(ctx context.Context, adm *kadm.Client) (int64, error) {
	return offset(adm.ListCommittedOffsets(ctx, events.TopicControl))
}

func offset(listed kadm.ListedOffsets, err error) (int64, error) {
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("reading the offsets of %s: %w", events.TopicControl, err)
	}
	o, ok := listed.Lookup(events.TopicControl, 0)
	if !ok {
		return 0, fmt.Errorf("reading the offsets of %s: no partition 0", events.TopicControl)
	}
	return o.Offset, nil
}

// take applies records to the state, which the View may have already.
func (s *session) take(ctx context.Context, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	if s.passed {
		s.entries = s.entries.clone()
	}
	for _, r := range records {
		s.next = r.Offset + 1
		if !r.Attrs.IsControl() {
			s.record(ctx, r)
		}
	}
	if s.passed {
		s.view.set(s.state)
	}
}

// record applies one record. One that cannot be kept changes nothing.
func (s *session) record(ctx context.Context, r *kgo.Record) {
	key := string(r.Key)
	err := checkKey(key)
	if err == nil {
		old, known := s.byKey[key]
		if !known && !s.passed {
			// The record that this one follows may have been compacted away.
			old = s.view.current().byKey[key]
		}
		e := entryOf(r, old)
		err = errors.Join(e.refused, s.put(s.view.cfg, key, e))
	}
	if err != nil {
		s.view.metrics.refused.Inc()
		s.view.log.ErrorContext(ctx, "control document refused; the last good one stays in effect", "offset", r.Offset, "kind", kindOf(key), "error", err)
	}
}

// pass makes the state that of the View once the end is passed.
func (s *session) pass(ctx context.Context) {
	if s.passed || s.next < s.end {
		return
	}
	s.passed = true
	s.carry(ctx, s.view.current())
	s.view.set(s.state)
	s.view.metrics.live.Set(1)
	s.view.load()
	s.view.log.InfoContext(ctx, "control documents loaded", "documents", len(s.byKey), "next_offset", s.next)
}

// carry keeps the documents of before, if they were in another topic: it was deleted
// and made anew. A Keeper writes them again.
func (s *session) carry(ctx context.Context, before state) {
	if before.topic == "" || before.topic == s.topic {
		return
	}
	carried := 0
	for key, e := range before.byKey {
		if _, ok := s.byKey[key]; ok || e.Value == nil {
			continue
		}
		e.carried = true
		if s.put(s.view.cfg, key, e) == nil {
			carried++
		}
	}
	s.view.log.ErrorContext(ctx, "control topic was recreated; its former documents stay in effect until they are restored", "documents", carried)
}
