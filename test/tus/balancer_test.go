package tus

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// balancer sends requests to two instances, those with bytes and the others each in
// turn, and breaks each connection of a
// client after some bytes.
type balancer struct {
	*httptest.Server
	sends    atomic.Int64
	asks     atomic.Int64
	backends [2]atomic.Pointer[url.URL]
	// passed counts the bytes of bodies that reached an instance.
	passed atomic.Int64
	// broken counts the connections that were broken.
	broken atomic.Int64
	// armed makes the next body of the first instance call strike in its middle.
	armed  atomic.Bool
	strike func()
	// mark calls marked once that many bytes have passed.
	mark   atomic.Int64
	marked func()
}

const strikeAfter = 200_000

// lives are after how many bytes of a client its connections break, in turn.
var lives = []int64{1_500_000, 700_000, 2_200_000, 300_000}

func newBalancer(t *testing.T, first, second string) *balancer {
	t.Helper()
	b := &balancer{}
	b.point(0, first)
	b.point(1, second)
	b.Server = httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			turn := &b.asks
			if r.In.Method == http.MethodPatch {
				turn = &b.sends
			}
			n := turn.Add(1) % 2
			r.SetURL(b.backends[n].Load())
			if r.Out.Body != nil {
				r.Out.Body = &watched{ReadCloser: r.Out.Body, b: b, first: n == 0}
			}
		},
		ErrorLog: log.New(io.Discard, "", 0), // cuts and the killed instance
	})
	b.Listener = &breaking{Listener: b.Listener, b: b}
	b.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.Start()
	t.Cleanup(b.Close)
	return b
}

func (b *balancer) point(n int, addr string) {
	b.backends[n].Store(&url.URL{Scheme: "http", Host: addr})
}

// reach calls marked once n more bytes have passed.
func (b *balancer) reach(n int64, marked func()) {
	b.marked = marked
	b.mark.Store(b.passed.Load() + n)
}

// watched counts a body, and strikes in the middle of it.
type watched struct {
	io.ReadCloser
	b     *balancer
	first bool
	read  int64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.read += int64(n)
	if mark := w.b.mark.Load(); w.b.passed.Add(int64(n)) >= mark && mark > 0 && w.b.mark.CompareAndSwap(mark, 0) {
		w.b.marked()
	}
	if w.first && w.read > strikeAfter && w.b.armed.CompareAndSwap(true, false) {
		w.b.strike()
	}
	return n, err
}

// breaking accepts connections that end with a reset.
type breaking struct {
	net.Listener
	b *balancer
	n atomic.Int64
}

func (l *breaking) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &mortal{TCPConn: c.(*net.TCPConn), b: l.b, left: lives[l.n.Add(1)%int64(len(lives))]}, nil
}

type mortal struct {
	*net.TCPConn
	b    *balancer
	left int64
}

func (m *mortal) Read(p []byte) (int, error) {
	if m.left <= 0 {
		m.b.broken.Add(1)
		_ = m.SetLinger(0) // a reset
		_ = m.Close()
		return 0, net.ErrClosed
	}
	n, err := m.TCPConn.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}
