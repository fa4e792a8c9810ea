package standardwebhooks

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrForbidden means that an address must not be dialled: it is not a public one, or the
// port is not allowed. It is found out at each attempt, since names change their addresses.
var ErrForbidden = errors.New("the address is not allowed")

// BadURL says why a URL is not accepted. Its text may be shown to people.
type BadURL struct{ Reason string }

// Error implements error.
func (e *BadURL) Error() string { return "url: " + e.Reason }

// CheckURL returns a *BadURL unless requests may be sent to text as far as that can be
// said without resolving its name. The address is checked again where it is dialled.
func (c Config) CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return &BadURL{"want https://HOST/PATH"}
	case u.User != nil:
		return &BadURL{"want no user or password in it; requests are signed"}
	case u.Fragment != "" || strings.Contains(text, "#"):
		return &BadURL{"want no fragment"}
	case u.Scheme == "https":
	case u.Scheme == "http" && c.AllowInsecure && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http" && c.AllowInsecure:
		return &BadURL{"want https, or http to this machine"}
	default:
		return &BadURL{"want https"}
	}
	if c.AllowInsecure && isLoopback(u.Hostname()) {
		return nil
	}
	if port := u.Port(); port != "" && !slices.Contains(c.Ports, port) {
		return &BadURL{"want one of the ports " + strings.Join(c.Ports, ", ")}
	}
	if isLoopback(u.Hostname()) {
		return &BadURL{"want a public address"}
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && c.guard().public.SafeAddr(ip) != nil {
		return &BadURL{"want a public address"}
	}
	return nil
}

// isLoopback reports whether host names this machine.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// guard decides which addresses are dialled.
type guard struct {
	public   *ssrf.Guardian
	loopback bool
}

func (c Config) guard() guard {
	ports := make([]uint16, 0, len(c.Ports))
	for _, text := range c.Ports {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			ports = append(ports, uint16(n))
		}
	}
	return guard{ssrf.New(ssrf.WithPorts(ports...)), c.AllowInsecure}
}

// control is the Control of a net.Dialer: it is called with every address before it is
// dialled.
func (g guard) control(network, address string, raw syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err == nil && g.loopback && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	if err := g.public.Safe(network, address, raw); err != nil {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return nil
}

// dialer dials what the guard allows.
func (g guard) dialer(resolver *net.Resolver) *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Control: g.control, Resolver: resolver}
}
