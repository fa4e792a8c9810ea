package api

import (
	"sync"
	"time"
)

// paceWindow is the time of waiting for a client over which its rate is measured.
const paceWindow = 5 * time.Second

// pace measures the sending rate of a client over the time in which the server waits
// for it. The time in which the server does other work does not count.
type pace struct {
	mu sync.Mutex
	// since is the begin of the waiting Read; zero if none waits.
	since        time.Time
	now, earlier window
}

// window is a time of waiting, and what arrived in it.
type window struct {
	bytes  int64
	waited time.Duration
}

func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Now()
}

func (p *pace) end(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.bytes += int64(n)
	p.now.waited += time.Since(p.since)
	p.since = time.Time{}
	if p.now.waited >= paceWindow {
		p.earlier, p.now = p.now, window{}
	}
}

// measured returns the rate in bytes per second; ok is false if it is not known yet,
// or if the server is not waiting for the client.
func (p *pace) measured() (rate float64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		return 0, false
	}
	waited := p.earlier.waited + p.now.waited + time.Since(p.since)
	if waited < paceWindow {
		return 0, false
	}
	return float64(p.earlier.bytes+p.now.bytes) / waited.Seconds(), true
}
