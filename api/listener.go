package api

import (
	"io"
	"net"
	"sync"
	"time"
)

// lingerTime bounds how long a closed connection is still read.
const lingerTime = 2 * time.Second

// listener keeps its connections, so that a hard stop can end them.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns map[*conn]struct{}
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, conns: map[*conn]struct{}{}}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, owner: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

// closeAll cuts every connection.
func (l *listener) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close() // it is cut either way
	}
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// conn is a connection that can close gently. A server that closes while the
// client is still sending makes the kernel answer with a reset, which may
// overtake the response: the client then never learns why it was refused.
type conn struct {
	net.Conn
	owner *listener
	once  sync.Once
	// linger is set by the goroutine that serves the connection, which is
	// also the one that closes it.
	linger bool
}

// Close implements net.Conn.
func (c *conn) Close() error {
	var err error
	c.once.Do(func() {
		tcp, ok := c.Conn.(*net.TCPConn)
		if !c.linger || !ok || tcp.CloseWrite() != nil {
			err = c.end()
			return
		}
		go c.lingerAndEnd()
	})
	return err
}

// lingerAndEnd throws away what the client still sends, for a short time:
// nothing of it is looked at.
func (c *conn) lingerAndEnd() {
	deadline := time.Now().Add(lingerTime)
	if c.Conn.SetReadDeadline(deadline) == nil {
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	_ = c.end() // nobody is left to be told
}

func (c *conn) end() error {
	c.owner.forget(c)
	return c.Conn.Close()
}
