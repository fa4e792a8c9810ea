package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// heartbeats sends the heartbeats of one attempt: the first before the step
// begins, then on progress and on a timer, so that a step that reports nothing
// for long is not declared dead. Only the start-to-close timeout bounds how long
// a step may take.
type heartbeats struct {
	send func(Heartbeat)
	done chan struct{}
	idle sync.WaitGroup

	mu   sync.Mutex
	last Heartbeat
	sent time.Time
}

type heartbeatsKey struct{}

// minProgress and progressEvery throttle the heartbeats on progress: less than
// both is not sent. The SDK throttles further.
const (
	minProgress   = 0.01
	progressEvery = time.Second
)

// startHeartbeats needs the context of the activity, since heartbeats outlive
// that of the step.
func startHeartbeats(ctx context.Context, h Heartbeat, timeout time.Duration) *heartbeats {
	p := &heartbeats{
		send: func(h Heartbeat) { activity.RecordHeartbeat(ctx, h) },
		done: make(chan struct{}), last: h, sent: time.Now(),
	}
	p.send(h)
	if timeout > 0 {
		p.idle.Go(func() { p.beat(ctx, timeout/3) })
	}
	return p
}

func (p *heartbeats) beat(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-ctx.Done():
			return
		case <-t.C:
			p.mu.Lock()
			h := p.last
			p.mu.Unlock()
			p.send(h)
		}
	}
}

// stop ends the heartbeats and returns the last one.
func (p *heartbeats) stop() Heartbeat {
	close(p.done)
	p.idle.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// within returns a context in which progress finds p.
func (p *heartbeats) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, heartbeatsKey{}, p)
}

func (p *heartbeats) report(done float64) {
	if !(done >= 0 && done <= 1) { // so that NaN is refused
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	step := done
	if p.last.Done != nil {
		step = done - *p.last.Done
	}
	if step < minProgress && time.Since(p.sent) < progressEvery {
		return
	}
	p.last.Done = &done
	p.sent = time.Now()
	select {
	case <-p.done:
	default:
		p.send(p.last)
	}
}

// keep sends what the pages of a reconciliation did so far with this and every
// later heartbeat.
func (p *heartbeats) keep(done Reconciled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.Reconciled = &done
	p.send(p.last)
}

// progress returns the function that a step calls with the share that is done, 0
// to 1; any other value means that it is not known. It may be called often, from
// any goroutine.
func progress(ctx context.Context) func(done float64) {
	p, ok := ctx.Value(heartbeatsKey{}).(*heartbeats)
	if !ok {
		return func(float64) {}
	}
	return p.report
}

// suspected reports whether an earlier attempt of this step has made the recording
// a suspect; see Heartbeat.Suspect.
func suspected(ctx context.Context) bool {
	p, ok := ctx.Value(heartbeatsKey{}).(*heartbeats)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Suspect
}

// lastHeartbeat returns the last heartbeat of the attempt before this one; zero in
// the first attempt.
func lastHeartbeat(ctx context.Context) (Heartbeat, error) {
	if !activity.HasHeartbeatDetails(ctx) {
		return Heartbeat{}, nil
	}
	var h Heartbeat
	if err := activity.GetHeartbeatDetails(ctx, &h); err != nil {
		return Heartbeat{}, fmt.Errorf("decoding heartbeat details: %w", err)
	}
	return h, nil
}
