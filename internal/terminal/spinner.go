package terminal

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// Spinner draws a moving line on a terminal until Close; elsewhere it draws
// nothing.
type Spinner struct {
	t    *Terminal
	text func() string

	mu    sync.Mutex
	frame int
	drawn bool
	stop  chan struct{}
	done  chan struct{}
}

// frameEvery is how often the moving line is drawn.
const frameEvery = 100 * time.Millisecond

// NewSpinner begins to draw. text gives the line, and "" where none is to be
// drawn; like the functions given to Update it is called one at a time.
func (t *Terminal) NewSpinner(text func() string) *Spinner {
	s := &Spinner{t: t, text: text, stop: make(chan struct{}), done: make(chan struct{})}
	go s.animate()
	return s
}

func (s *Spinner) animate() {
	defer close(s.done)
	if !s.t.Live || s.t.JSON {
		return
	}
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.Update(func() { s.frame++ })
		}
	}
}

// Update makes a change to what text reads, and draws the line again.
func (s *Spinner) Update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.draw()
}

// Tell is Terminal's in place of the moving line; it is called within Update.
func (s *Spinner) Tell(format string, args ...any) {
	s.erase()
	s.t.Tell(format, args...)
}

// Close ends the drawing and leaves the cursor on an empty line.
func (s *Spinner) Close() {
	close(s.stop)
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
}

func (s *Spinner) erase() {
	if s.drawn {
		s.t.eraseLine()
		s.drawn = false
	}
}

func (s *Spinner) draw() {
	if !s.t.Live || s.t.JSON {
		return
	}
	text := s.text()
	if text == "" {
		return
	}
	frames := s.t.Marks.spinner
	s.t.eraseLine()
	fmt.Fprintf(s.t.Err, "%s %s", s.t.PaintErr(Yellow, frames[s.frame%len(frames)]), Fit(text, s.t.Width-3))
	s.drawn = true
}

// Gauge is a share from 0 to 1 as a bar of n columns.
func (t *Terminal) Gauge(share float64, n int) string {
	full := int(math.Round(min(max(share, 0), 1) * float64(n)))
	return strings.Repeat(t.Marks.Full, full) + strings.Repeat(t.Marks.Empty, n-full)
}
