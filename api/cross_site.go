package api

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// addressed refuses what a page that is not ours makes a browser send. A name
// that somebody points at this machine (DNS rebinding) is not one of the
// server's; and a request that changes something carries the page's origin.
// Apps and tools send neither Origin nor Sec-Fetch-Site.
func (s *Server) addressed(c *fiber.Ctx) error {
	host := string(c.Context().Host())
	if !isProbe(c.Path()) && !s.answersTo(hostname(host)) {
		return refuse(codeMisdirected, "This server does not answer to that name. Its operator lists its names in api-hosts.")
	}
	if !isSafe(c.Method()) && s.crossSite(c, host) {
		return refuse(codeCrossSite, "A page of another site may not send this. The operator lists the origins that may in api-origins.")
	}
	return c.Next()
}

// answersTo reports whether the server may be asked by that name.
func (s *Server) answersTo(name string) bool {
	if slices.Contains(s.cfg.Hosts, name) || isLoopback(name) {
		return true
	}
	listens, _, err := net.SplitHostPort(s.cfg.Addr)
	return err == nil && len(s.cfg.Hosts) == 0 && !isLoopback(listens)
}

// crossSite reports whether a browser sends the request for a page of another
// site.
func (s *Server) crossSite(c *fiber.Ctx, host string) bool {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return c.Get("Sec-Fetch-Site") == "cross-site"
	}
	if slices.Contains(s.cfg.Origins, origin) {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, host)
}

// isSafe knows the methods that change nothing (RFC 9110, 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// hostname is a Host without its port and brackets, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func isLoopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
