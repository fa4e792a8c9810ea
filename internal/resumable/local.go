package resumable

import (
	"context"
	"sync"
	"time"

	"orak"
)

// patience is how long a request waits for an earlier one of the same upload, which it
// has interrupted, to store what arrived.
const patience = 5 * time.Second

// local has the requests of this process, so that a later one of the same upload can
// interrupt them instead of losing what they have in memory.
type local struct {
	mu      sync.Mutex
	running map[string]*holder
}

type holder struct {
	interrupt func()
	ended     chan struct{}
}

// seize makes the caller the holder of key, after it has interrupted the one before.
func (l *local) seize(ctx context.Context, key string, interrupt func()) (release func(), err error) {
	mine := &holder{interrupt: interrupt, ended: make(chan struct{})}
	for {
		l.mu.Lock()
		other, ok := l.running[key]
		if !ok {
			l.running[key] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.running, key)
				close(mine.ended)
			}, nil
		}
		l.mu.Unlock()
		if err := other.stop(ctx); err != nil {
			return nil, err
		}
	}
}

// interrupt ends the request that holds key, if there is one, and waits for its end.
func (l *local) interrupt(ctx context.Context, key string) error {
	l.mu.Lock()
	other, ok := l.running[key]
	l.mu.Unlock()
	if !ok {
		return nil
	}
	return other.stop(ctx)
}

// Interrupt ends the running requests of this process; each stores what arrived.
func (u *Uploads) Interrupt() {
	u.local.mu.Lock()
	defer u.local.mu.Unlock()
	for _, h := range u.local.running {
		h.interrupt()
	}
}

func (h *holder) stop(ctx context.Context) error {
	h.interrupt()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-h.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ErrLocked
	}
}

// tally counts the unfinished uploads of each tenant: those of the last sweep, and what
// this process has begun and completed since.
type tally struct {
	mu sync.Mutex
	of map[orak.Tenant]int
	// since has the changes since a sweep began, which its listing may have missed.
	since map[orak.Tenant]int
}

func (c *tally) count(t orak.Tenant) int { c.mu.Lock(); defer c.mu.Unlock(); return c.of[t] }

func (c *tally) add(t orak.Tenant, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since[t] += n
	if c.of[t] += n; c.of[t] <= 0 {
		delete(c.of, t)
	}
}

// begin is called before a sweep lists the uploads, and set with what it listed.
func (c *tally) begin() { c.mu.Lock(); defer c.mu.Unlock(); clear(c.since) }

// set replaces the counts. Uploads that were begun meanwhile count, listed or not.
func (c *tally) set(listed map[orak.Tenant]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, n := range c.since {
		listed[t] = max(listed[t], n)
	}
	c.of = listed
}
