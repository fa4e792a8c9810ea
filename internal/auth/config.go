package auth

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
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
	Mode Mode       `name:"auth" help:"How the API authenticates callers: required takes an API key or an upload token; gateway trusts the headers X-Orak-Tenant and X-Orak-Scopes, which a gateway in front sets, each exactly once; none trusts X-Orak-Tenant and permits everything, and only works on loopback." default:"required"`
	JWT  JWTConfig  `embed:"" prefix:"jwt-"`
	OIDC OIDCConfig `embed:"" prefix:"oidc-"`
}

// Validate returns the first error that makes c unusable.
func (c Config) Validate() error {
	switch c.Mode {
	case ModeRequired, ModeGateway, ModeNone:
	default:
		return fmt.Errorf("auth %q: want required, gateway or none", c.Mode)
	}
	if c.JWT.Enabled() && c.Mode != ModeRequired {
		return fmt.Errorf("jwt-issuer: with auth %s no JWT is verified; leave it out, or use required", c.Mode)
	}
	if c.OIDC.Enabled() && !c.JWT.Enabled() {
		return errors.New("oidc-client-id: jwt-issuer, whose people log in, is required with it")
	}
	return nil
}

// algorithms are the asymmetric signatures of JWS. With a symmetric one, anyone who can
// verify a JWT could make one; with none, everybody could.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// JWTConfig says whose JWTs are taken besides API keys.
type JWTConfig struct {
	Issuer      string        `help:"Take JWTs of this issuer, exactly as their claim iss says it. Empty takes none." default:""`
	Audience    string        `help:"What the claim aud of each JWT must be, or contain: this API." default:""`
	JWKSURL     string        `help:"Where the issuer's public keys are (a JWK set), as an https URL; http only on loopback." name:"jwks-url" default:""`
	Algorithms  []string      `help:"Signatures that are taken: some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA." default:"RS256,ES256"`
	TenantClaim string        `help:"The claim that names the tenant." default:"tenant"`
	ScopesClaim string        `help:"The claim with the scopes, as an array or as a text with spaces. Scopes that the API does not have are ignored; without any, nothing is permitted." default:"scope"`
	OwnerClaim  string        `help:"The claim that names whose recordings the caller sends, such as sub; a JWT without it is then refused. Empty leaves the owner to each request." default:""`
	EveryTenant bool          `help:"Believe a JWT whose tenant is *: it may name any tenant." default:"false"`
	Refresh     time.Duration `help:"Age from which the issuer's keys are fetched again, 10s to 24h: for so long, a key that the issuer has withdrawn is still taken." default:"5m"`
	MaxAge      time.Duration `help:"Greatest age of the keys, while they cannot be fetched: afterwards JWTs are answered 503. At least jwt-refresh, and at most 168h." default:"1h"`
}

// Enabled reports whether JWTs are taken.
func (c JWTConfig) Enabled() bool { return c.Issuer != "" }

// Validate returns the first error that makes c unusable.
func (c JWTConfig) Validate() error {
	if !c.Enabled() {
		if c.Audience != "" || c.JWKSURL != "" {
			return errors.New("jwt-issuer: is required with jwt-audience and jwt-jwks-url")
		}
		return nil
	}
	if c.Audience == "" {
		return errors.New("jwt-audience: is required with jwt-issuer")
	}
	if err := checkKeysURL(c.JWKSURL); err != nil {
		return err
	}
	if len(c.Algorithms) == 0 {
		return errors.New("jwt-algorithms: at least one is required")
	}
	for _, name := range c.Algorithms {
		if !slices.Contains(algorithms, name) {
			return fmt.Errorf("jwt-algorithms: there is no asymmetric signature %q; want some of %s", name, strings.Join(algorithms, ", "))
		}
	}
	if c.TenantClaim == "" || c.ScopesClaim == "" {
		return errors.New("jwt-tenant-claim and jwt-scopes-claim: a name is required")
	}
	if c.Refresh < fetchInterval || c.Refresh > 24*time.Hour {
		return fmt.Errorf("jwt-refresh %v: want %v to 24h", c.Refresh, fetchInterval)
	}
	if c.MaxAge < c.Refresh || c.MaxAge > 7*24*time.Hour {
		return fmt.Errorf("jwt-max-age %v: want jwt-refresh (%v) to 168h", c.MaxAge, c.Refresh)
	}
	return nil
}

// checkKeysURL returns an error unless nobody on the way can replace the keys at the URL.
func checkKeysURL(text string) error {
	if err := checkSecureURL(text); err != nil {
		return fmt.Errorf("jwt-jwks-url: %w", err)
	}
	return nil
}

// checkSecureURL returns an error unless nobody on the way can read or change what is
// exchanged with the URL.
func checkSecureURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("want an https URL, without a user")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("http is only taken on loopback, since others could change what is sent on the way; want https")
	}
	return nil
}

// loopback reports whether only programs on this machine reach host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
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
	if loopback(host) {
		return nil
	}
	return ErrExposed
}
