package auth

import (
	"errors"
	"fmt"
	"net"
)

// Mode says how callers are authenticated.
type Mode string

// The modes; see the package comment.
const (
	ModeRequired Mode = "required"
	ModeGateway  Mode = "gateway"
	ModeNone     Mode = "none"
)

// Config says how the API authenticates its callers.
type Config struct {
	Mode Mode `name:"auth" help:"How the API authenticates callers: required takes an API key or an upload token; gateway trusts the headers X-Orak-Tenant and X-Orak-Scopes, which a gateway in front sets, each exactly once; none trusts X-Orak-Tenant and permits everything, and only works on loopback." default:"required"`
}

// Validate returns the first error that makes c unusable.
func (c Config) Validate() error {
	switch c.Mode {
	case ModeRequired, ModeGateway, ModeNone:
		return nil
	default:
		return fmt.Errorf("auth %q: want required, gateway or none", c.Mode)
	}
}

// ErrExposed means that an API without authentication would be reachable by others.
var ErrExposed = errors.New("auth none: the API listens beyond loopback, where everyone could do everything; use required or gateway, or listen on 127.0.0.1")

// CheckAddr returns ErrExposed if the API would listen on addr, a host:port, without
// authentication beyond loopback.
func (c Config) CheckAddr(addr string) error {
	if c.Mode != ModeNone {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("reading the address of the API: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return ErrExposed
}
