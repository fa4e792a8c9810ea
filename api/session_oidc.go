package api

import (
	"net/http"
	"time"

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
	if err := s.attempts.take(addressOf(c)); err != nil {
		return err
	}
	scheme := "http://"
	if _, secure := cookieName(c); secure {
		scheme = "https://"
	}
	now := time.Now()
	address, cookie, err := provider.Begin(scheme+string(c.Context().Host())+callbackPath, now)
	if err != nil {
		return err
	}
	setFlow(c, cookie, now.Add(auth.OIDCFlowLife))
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Redirect(address, http.StatusSeeOther)
}

// getOIDCCallback is where the identity provider sends the browser back to.
func (s *Server) getOIDCCallback(c *fiber.Ctx) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	err = s.endOIDC(c, provider)
	outcome := "accepted"
	if err != nil {
		outcome = string(asRefusal(err).code)
	}
	s.metrics.logins.WithLabelValues("oidc", outcome).Inc()
	return err
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
	return c.Redirect("/", http.StatusSeeOther)
}
