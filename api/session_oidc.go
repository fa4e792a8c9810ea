package api

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/gofiber/fiber/v2"

	"orak/internal/auth"
)

// The cookie of somebody who is at the identity provider. It is Lax, since the provider's
// page sends the browser back.
const (
	flowSecure   = "__Host-orak_login"
	flowLoopback = "orak_login"
)

const callbackPath = "/v1/session/oidc/callback"

func setFlow(c *fiber.Ctx, value string, until time.Time) {
	_, secure := cookieName(c)
	c.Cookie(&fiber.Cookie{
		Name: flowName(c), Value: value, Path: "/", Expires: until, Secure: secure, HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
	})
}

func flowName(c *fiber.Ctx) string {
	if _, secure := cookieName(c); secure {
		return flowSecure
	}
	return flowLoopback
}

// provider returns the identity provider.
func (s *Server) provider() (*auth.OIDC, error) {
	if s.logins == nil || s.logins.Provider() == nil {
		return nil, refuse(codeNotFound, "Nobody logs in to this server at an identity provider.")
	}
	return s.logins.Provider(), nil
}

// getOIDC sends the browser to the identity provider.
func (s *Server) getOIDC(c *fiber.Ctx) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	to, err := s.beginOIDC(c, provider)
	if err != nil {
		return toLogin(c, err, to)
	}
	return nil
}

// beginOIDC answers with the provider's page. to is the page of the console that the
// browser comes from, and goes to after the login; "" for the first one.
func (s *Server) beginOIDC(c *fiber.Ctx, provider *auth.OIDC) (to string, err error) {
	if err := checkParameters(c, []string{paramTo}); err != nil {
		return "", err
	}
	if to = c.Query(paramTo); to != "" && !isPage(to) {
		return "", refuse(codeInvalidRequest, "to must be the path of a page of the console, with its query.")
	}
	if err := s.attempts.take(addressOf(c)); err != nil {
		return to, err
	}
	scheme := "http://"
	if _, secure := cookieName(c); secure {
		scheme = "https://"
	}
	now := time.Now()
	address, cookie, err := provider.Begin(scheme+string(c.Context().Host())+callbackPath, to, now)
	if err != nil {
		return to, err
	}
	setFlow(c, cookie, now.Add(auth.OIDCFlowLife))
	c.Set(fiber.HeaderCacheControl, "no-store")
	return to, c.Redirect(address, http.StatusSeeOther)
}

// getOIDCCallback is where the identity provider sends the browser back to.
func (s *Server) getOIDCCallback(c *fiber.Ctx) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	to := provider.Destination(c.Cookies(flowName(c)))
	err = s.endOIDC(c, provider)
	outcome := "accepted"
	if err != nil {
		outcome = string(asRefusal(err).code)
	}
	s.metrics.logins.WithLabelValues("oidc", outcome).Inc()
	if err != nil {
		return toLogin(c, err, to)
	}
	return c.Redirect(cmp.Or(to, "/"), http.StatusSeeOther)
}

func (s *Server) endOIDC(c *fiber.Ctx, provider *auth.OIDC) error {
	if err := s.attempts.take(addressOf(c)); err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer") // the address has the code
	flow := c.Cookies(flowName(c))
	setFlow(c, "", time.Unix(1, 0))
	caller, err := provider.End(c.UserContext(), flow, c.Query("state"), c.Query("code"), s.cfg.SessionLife, time.Now())
	if err != nil {
		return s.denied(c, err)
	}
	s.loggedIn(c, caller)
	return nil
}

const loginPath = "/login"

// toLogin sends a browser whose login failed to the console's login, which says why in
// words and goes on to to. Programs, which do not ask for a page, get the problem itself.
func toLogin(c *fiber.Ctx, err error, to string) error {
	if !strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML) {
		return err
	}
	r := asRefusal(err)
	exchangeOf(c).log.WarnContext(c.UserContext(), "a login at the identity provider failed", "problem", string(r.code), "error", err)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Response().Header.Del(fiber.HeaderWWWAuthenticate)
	query := url.Values{"problem": {string(r.code)}}
	if to != "" {
		query.Set(paramTo, to)
	}
	return c.Redirect(loginPath+"?"+query.Encode(), http.StatusSeeOther)
}

// maxReturn bounds the address of a page to return to, in bytes: a cookie remembers it.
const maxReturn = 1024

// isPage reports whether untrusted to is the path of a page of the console, with its
// query. Browsers take a backslash for a slash and leave control characters out, so that
// some texts which begin with one slash lead to another server.
func isPage(to string) bool {
	if len(to) > maxReturn || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, notInAddress) || !isASCII(to) {
		return false
	}
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || strings.ContainsFunc(u.Path, notInAddress) {
		return false
	}
	if clean := path.Clean(u.Path); clean != u.Path && clean+"/" != u.Path {
		return false
	}
	first, _, _ := strings.Cut(u.Path[1:], "/")
	return !slices.Contains(notPages, first) && first != loginPath[1:]
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// notInAddress finds what a browser writes with a percent sign, and what ends a path.
func notInAddress(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == '#' }
