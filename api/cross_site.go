package api

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// addressed refuses requests that a browser sends for a foreign page. It accepts only
// the server's own names, against DNS rebinding, and checks the origin of requests
// that change something. Apps and tools send neither Origin nor Sec-Fetch-Site.
func (s *Server) addressed(c *fiber.Ctx) error {
	host := string(c.Context().Host())
	if !isProbe(c.Path()) && !s.answersTo(hostname(host)) {
		return refuse(codeMisdirected, "This server does not answer to that name. Operators list its names in api-hosts.")
	}
	if !isSafe(c.Method()) && s.crossSite(c, host) {
		return refuse(codeCrossSite, "A page of another site may not send this request. Operators list the permitted origins in api-origins.")
	}
	return c.Next()
}

// answersTo reports whether the server accepts requests for that name.
func (s *Server) answersTo(name string) bool {
	if slices.Contains(s.cfg.Hosts, name) || isLoopback(name) {
		return true
	}
	listens, _, err := net.SplitHostPort(s.cfg.Addr)
	return err == nil && len(s.cfg.Hosts) == 0 && !isLoopback(listens)
}

// crossSite reports whether a browser sent the request for a page of another site.
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

// isSafe reports whether a method is safe (RFC 9110, 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// hostname is a Host in lower case, without port and brackets.
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
