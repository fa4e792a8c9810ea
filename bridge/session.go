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

	mu      sync.Mutex
	tracker *tracker
	// lanes holds the records of each key that wait for their turn; a key is
	// there while a goroutine works on it.
	lanes map[string][]*kgo.Record
	// running has the cancel function of each record being handled; killed
	// says that they are to be called.
	running map[int64]context.CancelFunc
	killed  bool
	// committed is the last offset committed in this session.
	committed kgo.EpochOffset
	busy      sync.WaitGroup
	endOnce   sync.Once
}

func newSession(p partition) *session {
	return &session{
		partition: p,
		ending:    make(chan struct{}),
		tracker:   newTracker(),
		lanes:     make(map[string][]*kgo.Record),
		running:   make(map[int64]context.CancelFunc),
		committed: kgo.EpochOffset{Epoch: -1, Offset: -1},
	}
}

// accept takes r into the session. known is false where r's offset goes
// backwards; the session is of no use then. first is true where nobody works
// on r's key yet: the caller starts a lane. Lanes are counted in busy.
func (s *session) accept(r *kgo.Record) (first, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tracker.add(r.Offset, r.LeaderEpoch) {
		return false, false
	}
	waiting, taken := s.lanes[string(r.Key)]
	s.lanes[string(r.Key)] = append(waiting, r)
	if !taken {
		s.busy.Add(1)
	}
	return !taken, true
}

// next takes the next record of key; nil where there is none, and then the
// lane is closed. Once the session is ending, every record that waits is given
// up: dropped is how many.
func (s *session) next(key string) (r *kgo.Record, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.lanes[key]
	if len(waiting) == 0 || s.isEnding() {
		delete(s.lanes, key)
		s.busy.Done()
		return nil, len(waiting)
	}
	s.lanes[key] = waiting[1:]
	return waiting[0], 0
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

// end lets no record be begun any more.
func (s *session) end() { s.endOnce.Do(func() { close(s.ending) }) }

// drain ends the session: no record is begun any more, and those being handled
// have until ctx ends; then they are cut off.
func (s *session) drain(ctx context.Context) {
	s.end()
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
