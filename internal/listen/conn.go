package listen

import (
	"container/list"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// lingerTime bounds how long a closed connection is still read.
const lingerTime = 2 * time.Second

// Conn is a connection of a Listener. It begins without a request in flight.
type Conn struct {
	net.Conn
	owner *Listener
	once  sync.Once
	// place is the connection's in owner.waiting, under owner.mu.
	place *list.Element
	// linger is set by the goroutine that serves the connection, which is
	// also the one that closes it.
	linger bool
}

// Busy says that a request is in flight.
func (c *Conn) Busy() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.owner.busyLocked(c)
}

// Idle says that the answer is written, and the next request awaited. A
// listener that drains closes the connection then.
func (c *Conn) Idle() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.owner.draining {
		c.owner.cutLocked(c)
		return
	}
	c.owner.waitLocked(c)
}

// Linger has Close be gentle: a server that closes while the client is still
// sending makes the kernel answer with a reset, which may overtake the
// response: the client then never learns why it was refused.
func (c *Conn) Linger() { c.linger = true }

// Write implements net.Conn. Every piece has the time that a client may take to
// read it, whatever deadline an earlier answer left.
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

// discardable lets the connection be closed when another one needs the room.
func (c *Conn) discardable() {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	c.owner.waitLocked(c)
}

// lingerAndEnd throws away what the client still sends, for a short time:
// nothing of it is looked at.
func (c *Conn) lingerAndEnd() {
	if c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	_ = c.end() // nobody is left to hear of it
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

// refusal is the answer to a connection for which there is no room.
func refusal() string {
	const problem = `{"type":"urn:orak:problem:unavailable","title":"The service has no room for another connection at the moment","status":503}`
	return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n" +
		"Connection: close\r\nContent-Length: " + strconv.Itoa(len(problem)) + "\r\n\r\n" + problem
}

// refuse answers at once, without a look at what is asked.
func (c *Conn) refuse() {
	c.linger = true
	if c.Conn.SetWriteDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.WriteString(c.Conn, refusal()) // it fits into the socket's buffer
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
