package listen

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

// Free ports are taken from below those that systems give to outgoing
// connections (from 32768 on Linux, from 49152 by IANA): one of those may be in
// use again between its claim and the start of the server.
const (
	firstFree = 10_000
	freePorts = 22_000
)

// portsOfAProcess is how far apart processes with neighboring ids begin to look
// for free ports, so that two that start together do not choose the same.
const portsOfAProcess = 16

// tried counts the ports that this process has looked at: none is claimed
// twice, since the server of the first claim may not listen yet.
var tried atomic.Int64

// Free listens on a free TCP port of the loopback interface. A server that is
// started after the listener is closed finds the port free.
func Free() (net.Listener, error) {
	first := os.Getpid() * portsOfAProcess
	var last error
	for range freePorts {
		next := first + int(tried.Add(1))
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(firstFree+next%freePorts)))
		if err == nil {
			return l, nil
		}
		last = err
	}
	return nil, last
}
