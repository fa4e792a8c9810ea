package servers

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// Port is a setting that is a port on Host.
type Port struct {
	// Of is the server that listens there; empty where it is none of them.
	Of Name
	// Name says what listens there, for people.
	Name string
	// Flag is the flag that sets it, without dashes.
	Flag string
	// Number is the setting: ClaimPorts replaces 0 by a free port.
	Number *int
}

// ClaimPorts makes sure that each of the ports can be listened on, and
// replaces zeros by free ports. It comes before any server is started,
// because some of them end the whole process where a port is taken. The
// ports are free again when it returns, so another process may still be
// quicker with a port that was asked for; the error then is the server's own.
func ClaimPorts(ports []Port) error {
	held := make([]net.Listener, 0, len(ports))
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for _, p := range ports {
		l, err := listen(*p.Number)
		if err != nil {
			return &PortError{Port: p, Err: err}
		}
		held = append(held, l)
		*p.Number = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}

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

// listen claims a port, or a free one for 0.
func listen(port int) (net.Listener, error) {
	if port != 0 {
		return net.Listen("tcp4", address(port))
	}
	first := os.Getpid() * portsOfAProcess
	var last error
	for range freePorts {
		next := first + int(tried.Add(1))
		l, err := net.Listen("tcp4", address(firstFree+next%freePorts))
		if err == nil {
			return l, nil
		}
		last = err
	}
	return nil, last
}

// PortError is a port that cannot be listened on.
type PortError struct {
	Port Port
	Err  error
}

func (e *PortError) Error() string {
	env := "ORAK_" + strings.ToUpper(strings.ReplaceAll(e.Port.Flag, "-", "_"))
	return fmt.Sprintf("port %d, where %s would listen, cannot be used (%v); stop what listens there, or choose another port with --%s or %s",
		*e.Port.Number, e.Port.Name, e.Err, e.Port.Flag, env)
}

func (e *PortError) Unwrap() error { return e.Err }

func address(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }
