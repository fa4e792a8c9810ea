package api

import (
	"sync"
	"time"
)

// paceWindow is over how much waiting for a client its pace is measured.
const paceWindow = 5 * time.Second

// pace measures how fast a client sends: what came within the latest waiting
// for it, and how long that was. What the server does in between does not count.
type pace struct {
	mu sync.Mutex
	// since is when the Read that waits now began; zero while none does.
	since        time.Time
	now, earlier window
}

// window is some waiting, and what came in it.
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

// measured is the client's pace in bytes a second; ok is false where it is not
// known yet, and where the client is not waited for at this moment.
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
