package servers

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"orak/internal/listen"
)

// Port is a setting that is a port on Host.
type Port struct {
	// Of is the server that listens there; empty if it is none of them.
	Of Name
	// Name says what listens there, for people.
	Name string
	// Flag is the flag that sets it, without dashes.
	Flag string
	// Number is the setting: ClaimPorts replaces 0 by a free port.
	Number *int
}

// ClaimPorts checks that each of the ports can be listened on, and replaces zeros
// by free ports. Call it before any server is started, since some of them end the
// whole process if a port is taken. The ports are free again when it returns, so
// another process may still take a requested port; the server then fails.
func ClaimPorts(ports []Port) error {
	held := make([]net.Listener, 0, len(ports))
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for _, p := range ports {
		l, err := claim(*p.Number)
		if err != nil {
			return &PortError{Port: p, Err: err}
		}
		held = append(held, l)
		*p.Number = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// claim listens on a port, or on a free one for 0.
func claim(port int) (net.Listener, error) {
	if port == 0 {
		return listen.Free()
	}
	return net.Listen("tcp4", address(port))
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
