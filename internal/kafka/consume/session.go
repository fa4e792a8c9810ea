package consume

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// partition names one partition of one topic.
type partition struct {
	topic string
	id    int32
}

// session is one partition for as long as this member owns it. When it is
// revoked, the session ends: what is done is committed, the rest is left to the
// next owner.
type session struct {
	partition partition
	number    uint64
	batch     Batch
	// overdue is called when the first record of a batch has waited for
	// Batch.Linger.
	overdue func(*session)
	// ending is closed when the session is about to end: nothing new is begun, and
	// what waits to be tried again is given up.
	ending chan struct{}
	// queued belongs to turns: the session is in its queue.
	queued bool

	mu      sync.Mutex
	tracker *tracker
	// lanes holds the records of each key that wait for their turn; a key is
	// there while a record of it waits or is being handled. With batches all
	// records are in one lane.
	lanes map[string]*lane
	// ready are the keys whose turn may come: records wait and none is being
	// handled.
	ready []string
	// linger runs while records wait for their batch to be full; due says that
	// they have waited for long enough.
	linger *time.Timer
	due    bool
	// waiting and bytes are how much waits in the lanes; paused, that no more is
	// fetched.
	waiting, bytes int
	paused         bool
	// aside and asideBytes are how much waits outside of the in-flight budget;
	// nothing is begun while that is more than room.
	aside, asideBytes int
	room              buffer
	// running has the cancel function of each delivery being handled, by its first
	// offset; killed says that they are to be called.
	running map[int64]context.CancelFunc
	killed  bool
	// committed is the last offset committed in this session.
	committed kgo.EpochOffset
	busy      sync.WaitGroup
}

// lane is the records of one key, in their order.
type lane struct {
	waiting []*kgo.Record
	// queued says that the key is in session.ready, running that it is underway.
	queued, running bool
}

// newSession begins a session that has room for so many records that wait for a
// dependency.
func newSession(p partition, number uint64, room buffer, batch Batch, overdue func(*session)) *session {
	return &session{
		partition: p,
		number:    number,
		batch:     batch,
		overdue:   overdue,
		room:      room,
		ending:    make(chan struct{}),
		tracker:   newTracker(),
		lanes:     make(map[string]*lane),
		running:   make(map[int64]context.CancelFunc),
		committed: kgo.EpochOffset{Epoch: -1, Offset: -1},
	}
}

// accept takes r into the session. It is false where r's offset goes backwards;
// the session is of no use then.
func (s *session) accept(r *kgo.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tracker.add(r.Offset, r.LeaderEpoch) {
		return false
	}
	if r.Attrs.IsControl() {
		s.tracker.done(r.Offset) // there is nothing to handle
		return true
	}
	key := s.key(r)
	l := s.lanes[key]
	if l == nil {
		l = new(lane)
		s.lanes[key] = l
	}
	l.waiting = append(l.waiting, r)
	s.waiting++
	s.bytes += size(r)
	s.queue(key, l)
	return true
}

// key names the lane of r.
func (s *session) key(r *kgo.Record) string {
	if s.batch.keyed() {
		return string(r.Key)
	}
	return ""
}

func size(records ...*kgo.Record) (n int) {
	for _, r := range records {
		n += len(r.Key) + len(r.Value)
	}
	return n
}

// queue gives a lane its turn, if it can have one now, after those of the others.
// It is called under mu.
func (s *session) queue(key string, l *lane) {
	switch {
	case l.queued || len(l.waiting) == 0:
	case !l.running && s.complete(l):
		l.queued = true
		s.ready = append(s.ready, key)
	case !s.batch.keyed() && s.batch.Linger > 0 && s.linger == nil:
		s.linger = time.AfterFunc(s.batch.Linger, func() { s.hurry(key) })
	}
}

// complete reports whether what waits in a lane needs to wait for nothing more. No
// more comes while the partition is paused. It is called under mu.
func (s *session) complete(l *lane) bool {
	return s.batch.keyed() || s.batch.Linger <= 0 || s.due || len(l.waiting) >= s.batch.Records ||
		s.paused || s.room.full(s.waiting, s.bytes)
}

// hurry begins a batch that is not full.
func (s *session) hurry(key string) {
	s.mu.Lock()
	s.due = true
	if l := s.lanes[key]; l != nil {
		s.queue(key, l)
	}
	s.mu.Unlock()
	s.overdue(s)
}

// take begins the records whose turn it is; nil where there are none, or where
// too many wait for a dependency. The caller ends them with release. more says
// that others could be begun.
func (s *session) take() (records []*kgo.Record, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 || s.room.full(s.aside, s.asideBytes) {
		return nil, false
	}
	key := s.ready[0]
	l := s.lanes[key]
	s.ready = s.ready[1:]
	n := min(max(1, s.batch.Records), len(l.waiting))
	records = slices.Clone(l.waiting[:n])
	clear(l.waiting[:n])
	l.waiting, l.queued, l.running = l.waiting[n:], false, true
	s.waiting -= n
	s.bytes -= size(records...)
	s.stopLinger()
	s.queue(key, l) // what is left lingers from now on
	s.busy.Add(1)
	return records, len(s.ready) > 0
}

// stopLinger is called under mu.
func (s *session) stopLinger() {
	if s.linger != nil {
		s.linger.Stop()
	}
	s.linger, s.due = nil, false
}

// release ends what take began with first, and lets the next records of its key
// have their turn after the other keys; more says that there are some.
func (s *session) release(first *kgo.Record) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.busy.Done()
	key := s.key(first)
	l := s.lanes[key]
	switch {
	case l == nil: // the session has ended
		return false
	case len(l.waiting) == 0:
		delete(s.lanes, key)
		return false
	}
	l.running = false
	s.queue(key, l)
	return l.queued
}

// stepAside notes that so many records, which take began, wait for a dependency;
// comeBack, that they no longer do.
func (s *session) stepAside(records, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside += records
	s.asideBytes += bytes
}

func (s *session) comeBack(records, bytes int) { s.stepAside(-records, -bytes) }

// regulate reports whether fetching is to be paused or resumed now, and notes
// that it is.
func (s *session) regulate() (pause, resume bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.paused && s.room.full(s.waiting, s.bytes):
		s.paused = true
		return true, false
	case s.paused && s.room.low(s.waiting, s.bytes):
		s.paused = false
		return false, true
	}
	return false, false
}

func (s *session) isEnding() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}

// begin ties the handling of a delivery to the session: cancel is called when the
// session is killed.
func (s *session) begin(first int64, cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[first] = cancel
	if s.killed {
		cancel()
	}
}

// finish ends the handling of records; done says that they need no further
// handling by anybody.
func (s *session) finish(records []*kgo.Record, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, records[0].Offset)
	if !done {
		return
	}
	for _, r := range records {
		s.tracker.done(r.Offset)
	}
}

// end lets nothing be begun any more. The records that wait are given up;
// dropped is how many this call gave up.
func (s *session) end() (dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isEnding() {
		return 0
	}
	close(s.ending)
	dropped = s.waiting
	s.waiting, s.bytes, s.ready = 0, 0, nil
	clear(s.lanes)
	s.stopLinger()
	return dropped
}

// drain waits for what is being handled until ctx ends; then it is cut off. The
// session has to be ended first.
func (s *session) drain(ctx context.Context) {
	idle := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
		s.kill()
		<-idle
	}
}

func (s *session) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
	for _, cancel := range s.running {
		cancel()
	}
}

// toCommit is what is to be committed now; ok is false where there is nothing
// new. Within a session it never goes backwards.
func (s *session) toCommit() (at kgo.EpochOffset, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok = s.tracker.committable()
	return at, ok && at.Offset > s.committed.Offset
}

func (s *session) noteCommitted(at kgo.EpochOffset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed = at
}
