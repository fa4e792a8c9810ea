package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/auth"
)

// permitted lets a request pass whose caller may use the route, and notes the caller in
// its exchange.
func (s *Server) permitted(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if r.scope == auth.ScopeNone {
			return c.Next()
		}
		caller, err := s.authenticate(c)
		if err != nil {
			return s.denied(c, err)
		}
		exchangeOf(c).caller, exchangeOf(c).credential = caller, s.credentialOf(c)
		if err := s.intended(c, caller); err != nil {
			return err
		}
		if err := s.limits.take(c, caller.Tenant); err != nil {
			return err
		}
		if !caller.May(r.scope) {
			s.metrics.denied.WithLabelValues("scope").Inc()
			return refuse(codeMissingScope, "The credential does not have the scope "+string(r.scope)+".")
		}
		if caller.Token && !r.tokens {
			s.metrics.denied.WithLabelValues("scope").Inc()
			return refuse(codeMissingScope, "An upload token only sends recordings; use an API key here.")
		}
		if err := c.Next(); err != nil {
			return err
		}
		if r.act != "" && c.Response().StatusCode() < http.StatusMultipleChoices {
			s.acted(c, r.act)
		}
		return nil
	}
}

// credentialOf returns what a request has to say who calls.
func (s *Server) credentialOf(c *fiber.Ctx) auth.Request {
	return auth.Request{
		Authorization: headerValues(c, fiber.HeaderAuthorization),
		Session:       s.sessionCookies(c),
		Tenant:        headerValues(c, resource.HeaderTenant),
		Scopes:        headerValues(c, resource.HeaderScopes),
	}
}

// identified returns who calls.
func (s *Server) identified(c *fiber.Ctx) (auth.Caller, error) {
	return s.callers.Authenticate(c.UserContext(), s.credentialOf(c))
}

// recheck is how often the credential of an open stream is looked at again: a revoked key
// ends its streams, too.
const recheck = time.Second

// mayGoOn reports whether the credential of an exchange still permits to read. One that
// cannot be verified now, since an issuer's keys cannot be had, does.
func (s *Server) mayGoOn(ctx context.Context, x *exchange) bool {
	caller, err := s.callers.Authenticate(ctx, x.credential)
	var denial *auth.Denial
	if errors.As(err, &denial) {
		return denial.Reason == auth.ReasonUnavailable
	}
	return err != nil || caller.May(auth.ScopeRead)
}

// authenticate returns who calls, for the tenant that the request is for.
func (s *Server) authenticate(c *fiber.Ctx) (auth.Caller, error) {
	caller, err := s.identified(c)
	if err != nil {
		return auth.Caller{}, err
	}
	named, err := namedTenant(c)
	switch {
	case err != nil:
		return auth.Caller{}, err
	case caller.Tenant == resource.EveryTenant:
		caller.Tenant = cmp.Or(named, orak.DefaultTenant)
	case named != "" && named != caller.Tenant:
		s.metrics.denied.WithLabelValues("tenant").Inc()
		return auth.Caller{}, refuse(codeForeignTenant, resource.HeaderTenant+" names another tenant than that of the credential. Leave it out.")
	}
	return caller, nil
}

// denied turns an error of authenticate into a refusal. RFC 6750 says what stands in
// WWW-Authenticate.
func (s *Server) denied(c *fiber.Ctx, err error) error {
	var denial *auth.Denial
	if !errors.As(err, &denial) {
		return err
	}
	s.metrics.denied.WithLabelValues(string(denial.Reason)).Inc()
	switch denial.Reason {
	case auth.ReasonUnavailable:
		return refuse(codeUnavailable, denial.Detail).because(err)
	case auth.ReasonMissing:
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="orak"`)
	default:
		c.Set(fiber.HeaderWWWAuthenticate, fmt.Sprintf(`Bearer realm="orak", error="invalid_token", error_description="%s"`, denial.Detail))
	}
	return refuse(codeUnauthenticated, denial.Detail).because(err)
}

// by returns who did what the request asks for, for the record; see events.By.
func (x *exchange) by(given string) string {
	if x.caller.Anonymous {
		return events.By("", given)
	}
	return events.By(x.caller.ID, given)
}

// acted logs what an operator did, to what, and who it was.
func (s *Server) acted(c *fiber.Ctx, act string) {
	x := exchangeOf(c)
	subject := x.subject
	if subject == "" {
		subject = c.Params("id")
	}
	x.log.InfoContext(c.UserContext(), "operator acted", "act", act, "by", x.caller.ID, "tenant", x.caller.Tenant, "subject", subject)
}
