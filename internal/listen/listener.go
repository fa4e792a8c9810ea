package listen

import (
	"container/list"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configure a Listener.
type Options struct {
	// Name labels the metrics; it is unique in a process.
	Name string
	// MaxConnections is the most connections that are open at once, at least 1.
	MaxConnections int
	// WriteTimeout is the longest time that a piece of an answer waits for a client
	// that does not read; 0 leaves deadlines to the server.
	WriteTimeout time.Duration
	Log          *slog.Logger
	Metrics      prometheus.Registerer
}

// Listener accepts at most MaxConnections. For a further one, it closes the connection
// that has waited longest for its next request; if all have a request in flight, the
// new one is refused with 503. It is safe for concurrent use.
type Listener struct {
	net.Listener
	opts    Options
	metrics *metrics
	// ended is closed by Close.
	ended   chan struct{}
	endOnce sync.Once

	mu   sync.Mutex
	open map[*Conn]struct{}
	// waiting has the connections without a request in flight, longest wait first.
	waiting  *list.List
	draining bool
}

// New wraps ln. It panics if two listeners share a Registerer and a Name.
func New(ln net.Listener, opts Options) *Listener {
	return &Listener{
		Listener: ln, opts: opts, metrics: newMetrics(opts.Metrics, opts.Name),
		ended: make(chan struct{}), open: map[*Conn]struct{}{}, waiting: list.New(),
	}
}

// Accept implements net.Listener and returns a *Conn. It fails only if the listener is
// closed or permanently broken.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.acceptPatiently()
		if err != nil {
			return nil, err
		}
		if c := l.admit(nc); c != nil {
			return c, nil
		}
	}
}

// Close implements net.Listener. Open connections stay open.
func (l *Listener) Close() error {
	l.endOnce.Do(func() { close(l.ended) })
	return l.Listener.Close()
}

// admit makes room for nc, or refuses it and returns nil.
func (l *Listener) admit(nc net.Conn) *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) >= l.opts.MaxConnections && l.evictLocked() {
	}
	c := &Conn{Conn: nc, owner: l}
	full := len(l.open) >= l.opts.MaxConnections
	l.open[c] = struct{}{}
	l.metrics.open.Set(float64(len(l.open)))
	l.waitLocked(c)
	switch {
	case full:
		l.metrics.refused.Inc()
		c.refuse()
		return nil
	case l.draining:
		l.cutLocked(c)
		return nil
	}
	return c
}

// evictLocked closes the connection that has waited longest, and returns false if none
// waits.
func (l *Listener) evictLocked() bool {
	front := l.waiting.Front()
	if front == nil {
		return false
	}
	l.cutLocked(front.Value.(*Conn))
	l.metrics.evicted.Inc()
	return true
}

// cutLocked closes the connection at once. The goroutine that serves it finds it
// closed.
func (l *Listener) cutLocked(c *Conn) {
	l.forgetLocked(c)
	_ = c.Conn.Close() // it is forgotten either way
}

func (l *Listener) waitLocked(c *Conn) {
	if _, open := l.open[c]; open && c.place == nil {
		c.place = l.waiting.PushBack(c)
	}
}

func (l *Listener) busyLocked(c *Conn) {
	if c.place != nil {
		l.waiting.Remove(c.place)
		c.place = nil
	}
}

func (l *Listener) forgetLocked(c *Conn) {
	l.busyLocked(c)
	delete(l.open, c)
	l.metrics.open.Set(float64(len(l.open)))
}

// Drain closes connections without a request in flight, now and later, so that a stop
// waits only for requests.
func (l *Listener) Drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	for l.waiting.Len() > 0 {
		l.cutLocked(l.waiting.Front().Value.(*Conn))
	}
}

// CloseAll closes every connection.
func (l *Listener) CloseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		l.cutLocked(c)
	}
}

// errClosed is the error of Accept after Close.
var errClosed = fmt.Errorf("accepting: %w", net.ErrClosed)

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
