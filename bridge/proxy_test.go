package bridge_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a client and a server, and can be cut.
type proxy struct {
	net.Listener
	target string
	mu     sync.Mutex
	cut    bool
	conns  []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{Listener: l, target: target}
	t.Cleanup(func() {
		l.Close()
		p.set(false)
	})
	go p.serve()
	return p
}

func (p *proxy) address() string { return p.Addr().String() }

func (p *proxy) serve() {
	for {
		in, err := p.Accept()
		if err != nil {
			return
		}
		p.join(in)
	}
}

func (p *proxy) join(in net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		in.Close()
		return
	}
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		in.Close()
		return
	}
	p.conns = append(p.conns, in, out)
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1])
			pair[0].Close()
		}()
	}
}

// set lets connections through, or cuts those that are there and refuses new
// ones.
func (p *proxy) set(up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = !up
	if up {
		return
	}
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
