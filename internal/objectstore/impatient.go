package objectstore

import (
	"net"
	"time"
)

// impatient is a connection that fails where the other side neither sends nor
// takes a byte for stall. A server that falls silent in the middle of a body
// would else be waited for without end: the kernel's keepalive is answered all
// the same. It does not fail while we are the ones who send.
type impatient struct {
	net.Conn
	stall time.Duration
}

// Read implements net.Conn.
func (c *impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn. The answer has its time from the last byte on.
func (c *impatient) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
