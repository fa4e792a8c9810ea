package consume

import (
	"sync"
	"time"
)

// backoffFactor is what an overload leaves of the limit.
const backoffFactor = 0.7

// limiter finds how many tries a dependency can take at the same time, between 1
// and max, by AIMD, as TCP finds a line's capacity: one more for each round of
// tries that went well, and backoffFactor of the limit at a sign of overload. A
// sign counts once for each round: what began before the limit fell says nothing
// about the limit that it fell to.
//
// Signs are refusals, timeouts, and tries slower than slow. The last two show the
// load of a server whose client repeats what is refused, as Temporal's SDK does.
// So a dependency that does not answer, or cannot be reached, is probed by one
// record in the end.
type limiter struct {
	slow time.Duration
	// changed is called with each new limit, under mu.
	changed func(float64)

	mu      sync.Mutex
	max     int
	limit   float64
	held    int
	round   int
	waiting []chan struct{}
}

// permit allows one try.
type permit struct{ round int }

// verdict is what a try says about the dependency's load.
type verdict int

const (
	// verdictFine: it was taken in good time.
	verdictFine verdict = iota
	// verdictOverload: it was refused for now, timed out, or was slow.
	verdictOverload
	// verdictNone: it failed in a way that says nothing about load.
	verdictNone
)

// newLimiter begins at max. A slow of 0 disables the sign.
func newLimiter(max int, slow time.Duration, changed func(float64)) *limiter {
	l := &limiter{max: max, slow: slow, changed: changed, limit: float64(max)}
	changed(l.limit)
	return l
}

// acquire waits for a permit, first come, first served; ok is false where one
// of the channels is closed before.
func (l *limiter) acquire(stop, stopToo <-chan struct{}) (p permit, ok bool) {
	l.mu.Lock()
	if len(l.waiting) == 0 && l.held < int(l.limit) {
		defer l.mu.Unlock()
		return l.grant(), true
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
	case <-stop:
		l.leave(turn)
		return permit{}, false
	case <-stopToo:
		l.leave(turn)
		return permit{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return permit{round: l.round}, true
}

// leave gives a place in the queue up, or the permit that came meanwhile.
func (l *limiter) leave(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.waiting {
		if other == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
	l.held--
	l.wake()
}

// grant and wake are called under mu.
func (l *limiter) grant() permit {
	l.held++
	return permit{round: l.round}
}

func (l *limiter) wake() {
	for len(l.waiting) > 0 && l.held < int(l.limit) {
		l.held++
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
}

// release gives a permit back, with what its try says.
func (l *limiter) release(p permit, took time.Duration, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v == verdictFine && l.slow > 0 && took > l.slow {
		v = verdictOverload
	}
	busy := l.held >= int(l.limit)
	l.held--
	switch {
	case v == verdictOverload && p.round == l.round:
		l.round++
		l.set(l.limit * backoffFactor)
	case v == verdictFine && busy:
		// A limit that is not reached is not confirmed by success.
		l.set(l.limit + 1/l.limit)
	}
	l.wake()
}

// resize sets max. A limit that overload has not lowered follows it.
func (l *limiter) resize(most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.limit
	if limit >= float64(l.max) {
		limit = float64(most)
	}
	l.max = most
	l.set(limit)
	l.wake()
}

func (l *limiter) set(limit float64) {
	l.limit = min(max(limit, 1), float64(l.max))
	l.changed(l.limit)
}
