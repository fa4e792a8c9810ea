package api

import (
	"cmp"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
)

// The names of the cookie of a session. A browser takes the first one only over https,
// and only from this very host; over http on loopback there is no such protection.
const (
	cookieSecure   = "__Host-orak_session"
	cookieLoopback = "orak_session"
)

// cookieName returns the name of the cookie on the host that the request is for, and
// whether only https may carry it. The server cannot know what a proxy in front of it
// speaks, so everything but loopback is taken for https.
func cookieName(c *fiber.Ctx) (name string, secure bool) {
	if isLoopback(hostname(string(c.Context().Host()))) {
		return cookieLoopback, false
	}
	return cookieSecure, true
}

// sessionCookies returns the values of the session's cookie; there are none where nobody
// logs in.
func (s *Server) sessionCookies(c *fiber.Ctx) (values []string) {
	if s.logins == nil {
		return nil
	}
	name, _ := cookieName(c)
	for key, value := range c.Request().Header.Cookies() {
		if string(key) == name {
			values = append(values, string(value))
		}
	}
	return values
}

// setSession has the browser keep cookie until then.
func setSession(c *fiber.Ctx, cookie string, until time.Time) {
	name, secure := cookieName(c)
	c.Cookie(&fiber.Cookie{
		Name: name, Value: cookie, Path: "/", Expires: until, Secure: secure, HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode,
	})
}

// intended refuses a request that changes something by the cookie of a session alone:
// only a page that could read the session knows its CSRF.
func (s *Server) intended(c *fiber.Ctx, caller auth.Caller) error {
	if caller.Session == nil || isSafe(c.Method()) {
		return nil
	}
	given, err := onlyHeader(c, resource.HeaderCSRF)
	if err == nil && caller.Session.Proves(given) {
		return nil
	}
	s.metrics.denied.WithLabelValues("csrf").Inc()
	return refuse(codeCSRF, "Send the csrf of GET /v1/session as "+resource.HeaderCSRF+".")
}

// getSession says who the caller is. It is answered 200 without a credential, too, so
// that a page can ask whether it must show its login.
func (s *Server) getSession(c *fiber.Ctx) error {
	caller, err := s.identified(c)
	if err != nil {
		return s.answerSession(c, http.StatusOK, resource.Session{})
	}
	return s.answerSession(c, http.StatusOK, s.sessionResource(c, caller))
}

// sessionResource returns the session of a caller.
func (s *Server) sessionResource(c *fiber.Ctx, caller auth.Caller) resource.Session {
	r := resource.Session{
		Authenticated: true, Tenant: caller.Tenant, Owner: caller.Owner, By: caller.ID, TemporalUI: s.temporalUI,
		AllTenants: caller.EveryTenant || caller.Tenant == resource.EveryTenant && s.cfg.AllTenants,
	}
	if caller.Tenant == resource.EveryTenant {
		named, _ := namedTenant(c)
		r.Tenant = cmp.Or(named, orak.DefaultTenant)
	}
	for _, scope := range auth.Scopes {
		if caller.May(scope) {
			r.Scopes = append(r.Scopes, string(scope))
		}
	}
	if caller.Session != nil {
		r.ExpiresAt, r.CSRF = caller.Session.ExpiresAt.UTC(), caller.Session.CSRF
	}
	return r
}

func (s *Server) answerSession(c *fiber.Ctx, status int, r resource.Session) error {
	r.Ways = []string{}
	if s.logins != nil {
		r.Ways = append(r.Ways, resource.LoginByKey)
		if s.logins.Provider() != nil {
			r.Ways = append(r.Ways, resource.LoginByOIDC)
		}
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).JSON(r)
}

// postSession logs in.
func (s *Server) postSession(c *fiber.Ctx) error {
	if s.logins == nil {
		return refuse(codeNotFound, "Nobody logs in to this server.")
	}
	var req resource.LoginRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	way := "key"
	if req.Code != "" {
		way = "code"
	}
	err := s.login(c, req)
	outcome := "accepted"
	if err != nil {
		outcome = string(asRefusal(err).code)
	}
	s.metrics.logins.WithLabelValues(way, outcome).Inc()
	return err
}

func (s *Server) login(c *fiber.Ctx, req resource.LoginRequest) error {
	if (req.Key == "") == (req.Code == "") {
		return refuse(codeInvalidRequest, "Send either key or code.")
	}
	if req.Code != "" {
		if err := s.attempts.take(addressOf(c)); err != nil {
			return err
		}
	}
	caller, err := s.begun(c, req)
	if err != nil && req.Key != "" {
		// Only keys that are wrong count: behind a proxy a stranger has the address of everybody.
		if refused := s.attempts.take(addressOf(c)); refused != nil {
			return refused
		}
	}
	if err != nil {
		return s.denied(c, err)
	}
	s.loggedIn(c, caller)
	return s.answerSession(c, http.StatusCreated, s.sessionResource(c, caller))
}

// loggedIn gives the browser the session of the caller, and records that it began.
func (s *Server) loggedIn(c *fiber.Ctx, caller auth.Caller) {
	setSession(c, caller.Session.Cookie, caller.Session.ExpiresAt)
	s.note(c, caller, actBeginSession)
	exchangeOf(c).log.InfoContext(c.UserContext(), "somebody logged in", "by", caller.ID, "tenant", caller.Tenant, "expires_at", caller.Session.ExpiresAt)
}

// begun returns the caller in a new session.
func (s *Server) begun(c *fiber.Ctx, req resource.LoginRequest) (auth.Caller, error) {
	ctx := c.UserContext()
	if req.Code != "" {
		cookie, err := s.redeem(ctx, auth.LoginCode(req.Code))
		if err != nil {
			return auth.Caller{}, err
		}
		return s.logins.Resume(ctx, cookie)
	}
	caller, err := s.logins.Login(ctx, req.Key)
	if err != nil {
		return auth.Caller{}, err
	}
	begun, err := caller.BeginSession(s.cfg.SessionLife, time.Now())
	if err != nil {
		return auth.Caller{}, err
	}
	return s.logins.Resume(ctx, begun.Cookie)
}

// deleteSession logs out. The browser forgets the session; a copy of its cookie stays
// valid until it expires, since no server keeps sessions. A request without a valid
// session has the same answer.
func (s *Server) deleteSession(c *fiber.Ctx) error {
	if len(s.sessionCookies(c)) > 0 {
		if caller, err := s.identified(c); err == nil {
			if err := s.intended(c, caller); err != nil {
				return err
			}
		}
		setSession(c, "", time.Unix(1, 0))
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.SendStatus(http.StatusNoContent)
}

// maxAttempts bounds the addresses whose attempts are counted. One that is pushed out
// begins anew.
const maxAttempts = 10_000

// loginAttempts bound how often an address tries to log in, and how many login codes a
// credential asks for. A key and a code have so many random bits that nobody guesses one:
// the bound keeps the cost of trying small.
type loginAttempts struct {
	perMinute int

	mu   sync.Mutex
	used *lru.Cache[string, *rate.Limiter]
}

func newLoginAttempts(perMinute int) *loginAttempts {
	used, err := lru.New[string, *rate.Limiter](maxAttempts)
	if err != nil {
		panic(err) // the size is positive
	}
	return &loginAttempts{perMinute: perMinute, used: used}
}

// take counts an attempt of somebody, and refuses one beyond the bound.
func (a *loginAttempts) take(from string) error {
	if a.perMinute == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	of, ok := a.used.Get(from)
	if !ok {
		of = rate.NewLimiter(rate.Every(time.Minute/time.Duration(a.perMinute)), a.perMinute)
		a.used.Add(from, of)
	}
	if of.Allow() {
		return nil
	}
	r := refuse(codeTooManyLogins, "Your address has tried too often. Try again in a minute.")
	r.again = time.Minute
	return r
}

// addressOf is the address of a client; for IPv6 its network, whose addresses one client
// may choose among.
func addressOf(c *fiber.Ctx) string {
	ip := c.Context().RemoteIP()
	if v4 := ip.To4(); v4 != nil {
		return v4.String()
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
