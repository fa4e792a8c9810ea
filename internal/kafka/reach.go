package kafka

import (
	"context"
	"sync"
	"time"
)

const (
	// doubtAfter is how long a record waits for its acknowledgment between two
	// checks of whether Kafka is reachable.
	doubtAfter = 2 * time.Second
	// pingFor bounds such a check, and lookEvery is how long its result is valid.
	pingFor   = 5 * time.Second
	lookEvery = time.Second
)

// reach caches whether Kafka is reachable. One caller at a time checks.
type reach struct {
	ping   func(ctx context.Context) error
	asking chan struct{} // held by the caller that checks

	mu    sync.Mutex
	err   error
	until time.Time
}

func newReach(ping func(context.Context) error) *reach {
	return &reach{ping: ping, asking: make(chan struct{}, 1)}
}

// refuse returns an error at once while Kafka is known to be unavailable. Every
// lookEvery, one caller checks again.
func (r *reach) refuse(ctx context.Context) error {
	last, holds := r.last()
	if last == nil || holds {
		return last
	}
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
		return r.ask(ctx)
	default:
		return last
	}
}

// doubt checks, or waits for the caller that does. It returns nil if Kafka is
// reachable, or if ctx ends first.
func (r *reach) doubt(ctx context.Context) error {
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return nil
	}
	if last, holds := r.last(); holds {
		return last
	}
	return r.ask(ctx)
}

func (r *reach) last() (err error, holds bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err, time.Now().Before(r.until)
}

func (r *reach) ask(ctx context.Context) error {
	timed, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	err := r.ping(timed)
	if ctx.Err() != nil {
		return nil // the end of ctx says nothing about Kafka
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.until = err, time.Now().Add(lookEvery)
	return err
}
