package kafka

import (
	"context"
	"sync"
	"time"
)

const (
	// doubtAfter is how long a record waits for its acknowledgment before it is
	// asked whether Kafka is there, and then again and again.
	doubtAfter = 2 * time.Second
	// pingFor bounds that question, and lookEvery is how long its answer holds.
	pingFor   = 5 * time.Second
	lookEvery = time.Second
)

// reach knows whether Kafka was there when it was last asked. One asks for all.
type reach struct {
	ping   func(ctx context.Context) error
	asking chan struct{} // held by the one who asks

	mu    sync.Mutex
	err   error
	until time.Time
}

func newReach(ping func(context.Context) error) *reach {
	return &reach{ping: ping, asking: make(chan struct{}, 1)}
}

// refuse returns an error at once while Kafka is known to be away. Every
// lookEvery one caller looks again.
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

// doubt asks, or waits for the one who does; nil where Kafka is there, or ctx
// ended before that was known.
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
		return nil // that nobody waited says nothing of Kafka
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.until = err, time.Now().Add(lookEvery)
	return err
}
