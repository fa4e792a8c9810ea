package listen

import (
	"container/list"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// lingerTime bounds the time for which a closed connection is still read.
const lingerTime = 2 * time.Second

// Conn is a connection of a Listener. Initially it has no request in flight.
type Conn struct {
	net.Conn
	owner *Listener
	once  sync.Once
	// place is the position in owner.waiting, nil if not waiting; guarded by owner.mu.
	place *list.Element
	// linger is set by the goroutine that serves the connection, which also closes
	// it.
	linger bool
}

// Busy marks that a request is in flight.
func (c *Conn) Busy() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.owner.busyLocked(c)
}

// Idle marks that the answer is written and the connection waits for its next
// request. A draining listener closes it then.
func (c *Conn) Idle() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.owner.draining {
		c.owner.cutLocked(c)
		return
	}
	c.owner.waitLocked(c)
}

// Linger makes Close read on for a short time. Otherwise the kernel answers a client
// that is still sending with a reset, which may overtake the response, so that the
// client never receives its refusal.
func (c *Conn) Linger() { c.linger = true }

// Write implements net.Conn. Every piece has WriteTimeout, whatever deadline an
// earlier answer left.
func (c *Conn) Write(p []byte) (int, error) {
	if d := c.owner.opts.WriteTimeout; d > 0 {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(d)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	var err error
	c.once.Do(func() {
		tcp, ok := c.Conn.(*net.TCPConn)
		if !c.linger || !ok || tcp.CloseWrite() != nil {
			err = c.end()
			return
		}
		c.discardable()
		go c.lingerAndEnd()
	})
	return err
}

// discardable allows that the connection is closed to make room for another one.
func (c *Conn) discardable() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.owner.waitLocked(c)
}

// lingerAndEnd discards what the client still sends for lingerTime, then closes.
func (c *Conn) lingerAndEnd() {
	if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	_ = c.end() // no caller is left for the error
}

func (c *Conn) end() error {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.owner.forgetLocked(c)
	err := c.Conn.Close()
	if isClosed(err) {
		return nil // it was cut
	}
	return err
}

// refusal is the answer to a connection beyond the bound.
func refusal() string {
	const problem = `{"type":"urn:orak:problem:unavailable","title":"The service has no room for another connection at the moment","status":503}`
	return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n" +
		"Connection: close\r\nContent-Length: " + strconv.Itoa(len(problem)) + "\r\n\r\n" + problem
}

// refuse answers at once, without reading the request.
func (c *Conn) refuse() {
	c.linger = true
	if c.Conn.SetWriteDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.WriteString(c.Conn, refusal()) // it fits into the socket buffer
	}
	c.once.Do(func() {
		if tcp, ok := c.Conn.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
			go c.lingerAndEnd()
			return
		}
		c.owner.forgetLocked(c)
		_ = c.Conn.Close()
	})
}
