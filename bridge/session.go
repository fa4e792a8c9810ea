package bridge

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// partition names one partition of one topic.
type partition struct {
	topic string
	id    int32
}

// session is one partition for as long as this member owns it. When it is
// revoked, the session ends: what was handled is committed, what was not is
// left to the next owner.
type session struct {
	partition partition
	// ending is closed when the session is about to end: nothing new is
	// begun, and whoever waits to try again gives up.
	ending chan struct{}
	// queued is turns': it says that the session is in its queue.
	queued bool

	mu      sync.Mutex
	tracker *tracker
	// lanes holds the records of each key that wait for their turn; a key is
	// there while a record of it waits or is being handled.
	lanes map[string]*lane
	// ready are the keys whose turn may come: records wait and none is being
	// handled.
	ready []string
	// waiting and bytes say how much waits in the lanes; paused, that no more
	// is fetched.
	waiting, bytes int
	paused         bool
	// aside and asideBytes say how much waits outside of the in-flight budget;
	// nothing is begun while that is more than room.
	aside, asideBytes int
	room              buffer
	// running has the cancel function of each record being handled; killed
	// says that they are to be called.
	running map[int64]context.CancelFunc
	killed  bool
	// committed is the last offset committed in this session.
	committed kgo.EpochOffset
	// recent has the uploads of which nothing needs to be asked.
	recent *recent
	busy   sync.WaitGroup
}

// lane is the records of one key, in their order.
type lane struct {
	waiting []*kgo.Record
	running bool
}

// newSession has room for so many records that wait for a dependency.
func newSession(p partition, room buffer) *session {
	return &session{
		partition: p,
		room:      room,
		ending:    make(chan struct{}),
		tracker:   newTracker(),
		lanes:     make(map[string]*lane),
		running:   make(map[int64]context.CancelFunc),
		committed: kgo.EpochOffset{Epoch: -1, Offset: -1},
		recent:    newRecent(),
	}
}

// accept takes r into the session. It is false where r's offset goes
// backwards; the session is of no use then.
func (s *session) accept(r *kgo.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tracker.add(r.Offset, r.LeaderEpoch) {
		return false
	}
	key := string(r.Key)
	l := s.lanes[key]
	if l == nil {
		l = new(lane)
		s.lanes[key] = l
	}
	if len(l.waiting) == 0 && !l.running {
		s.ready = append(s.ready, key)
	}
	l.waiting = append(l.waiting, r)
	s.waiting++
	s.bytes += size(r)
	return true
}

func size(r *kgo.Record) int { return len(r.Key) + len(r.Value) }

// take begins the record whose turn it is; nil where there is none, or where
// too many wait for a dependency. The caller ends it with release. more says
// that another one could be begun.
func (s *session) take() (r *kgo.Record, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 || s.room.full(s.aside, s.asideBytes) {
		return nil, false
	}
	l := s.lanes[s.ready[0]]
	s.ready = s.ready[1:]
	r = l.waiting[0]
	l.waiting[0] = nil
	l.waiting, l.running = l.waiting[1:], true
	s.waiting--
	s.bytes -= size(r)
	s.busy.Add(1)
	return r, len(s.ready) > 0
}

// release ends what take began, and lets the next record of key have its turn
// after the other keys'; more says that there is one.
func (s *session) release(key string) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.busy.Done()
	l := s.lanes[key]
	switch {
	case l == nil: // the session has ended
		return false
	case len(l.waiting) == 0:
		delete(s.lanes, key)
		return false
	}
	l.running = false
	s.ready = append(s.ready, key)
	return true
}

// stepAside notes that r, which take began, waits for a dependency; comeBack,
// that it does no longer.
func (s *session) stepAside(r *kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside++
	s.asideBytes += size(r)
}

func (s *session) comeBack(r *kgo.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside--
	s.asideBytes -= size(r)
}

// regulate says whether fetching is to be paused or resumed now, and takes
// note of it.
func (s *session) regulate(f buffer) (pause, resume bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.paused && f.full(s.waiting, s.bytes):
		s.paused = true
		return true, false
	case s.paused && f.low(s.waiting, s.bytes):
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

// begin ties the handling of a record to the session: cancel is called when
// the session is killed.
func (s *session) begin(offset int64, cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[offset] = cancel
	if s.killed {
		cancel()
	}
}

// finish ends the handling of a record; done says that it needs no further
// handling by anybody.
func (s *session) finish(offset int64, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, offset)
	if done {
		s.tracker.done(offset)
	}
}

// end lets no record be begun any more. The records that wait are given up;
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
	return dropped
}

// drain waits for the records being handled until ctx ends; then they are cut
// off. The session has to be ended first.
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

// toCommit is what is to be committed now; ok is false where that is nothing
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
