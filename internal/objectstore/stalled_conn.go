package objectstore

import (
	"net"
	"time"
)

// impatient is a connection that fails if the server neither sends nor accepts a
// byte for stall. Without it, a server that falls silent within a body would be
// waited for forever, since its kernel still answers keepalives. A connection on
// which this side is sending does not fail.
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

// Write implements net.Conn. The time for the answer counts from the last byte.
func (c *impatient) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
