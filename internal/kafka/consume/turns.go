package consume

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// turns is the in-flight budget: it says which records are begun next. The
// partitions take turns, and within a partition the keys do, so that neither a
// hot key nor a hot partition keeps the others waiting.
type turns struct {
	mu sync.Mutex
	// room is how many more deliveries may be begun; below 0 after the budget has
	// become smaller.
	room int
	// ready are the sessions that may have something to begin, each once.
	ready []*session
}

func newTurns(room int) *turns { return &turns{room: room} }

// resize makes the budget larger by that many deliveries, or smaller. Deliveries that
// were begun keep their room: a smaller budget is reached as they end.
func (t *turns) resize(by int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room += by
}

// offer says that s may have something to begin.
func (t *turns) offer(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !s.queued {
		s.queued = true
		t.ready = append(t.ready, s)
	}
}

// next is the delivery to begin now, which takes room until done; nil where there
// is none, or no room.
func (t *turns) next() (*session, []*kgo.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.room > 0 && len(t.ready) > 0 {
		s := t.ready[0]
		t.ready[0] = nil
		t.ready = t.ready[1:]
		records, more := s.take()
		if more {
			t.ready = append(t.ready, s)
		} else {
			s.queued = false
		}
		if records != nil {
			t.room--
			return s, records
		}
	}
	return nil, nil
}

// done gives the room of one delivery back.
func (t *turns) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room++
}
