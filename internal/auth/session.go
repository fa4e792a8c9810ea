package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

// The contexts of what a session is made of, which separate it from every other use of
// the same secrets.
const (
	sessionContext = "orak session 1"
	csrfContext    = "orak session csrf 1"
)

// Bounds of the life of a session.
const (
	MinSessionLife = time.Minute
	MaxSessionLife = 30 * 24 * time.Hour
)

// Session is a login in a browser. One by API key permits what the key permits, and ends
// with the key, with the secret that signed it, and at ExpiresAt; one at an identity
// provider permits what the provider's ID token said, until ExpiresAt.
type Session struct {
	// Cookie is what the browser keeps. It is a credential.
	Cookie string
	// ID names the session in logs and records.
	ID string
	// CSRF proves that a request comes from a page that could read the session, and not
	// only from a browser that has its cookie. It follows from Cookie.
	CSRF      string
	ExpiresAt time.Time
}

// sessionClaims are the content of a session.
type sessionClaims struct {
	ID string `json:"id"`
	// Expires is in seconds since 1970.
	Expires int64 `json:"exp"`
}

// Logins authenticates people who log in.
type Logins interface {
	// Login returns the caller that has an API key, and who may then begin a session.
	// Its errors are *Denial.
	Login(ctx context.Context, key string) (Caller, error)
	// Resume returns the caller of a session that was begun for somebody who could not
	// be asked for its key, such as one who has a login code. Its errors are *Denial.
	Resume(ctx context.Context, cookie string) (Caller, error)
	// Provider is the identity provider where people log in; nil if there is none.
	Provider() *OIDC
}

var _ Logins = Required{}

// Login implements Logins.
func (a Required) Login(_ context.Context, key string) (Caller, error) {
	id, secret, ok := splitKey(key)
	if !ok || len(key) > maxBearer {
		return Caller{}, &Denial{Reason: ReasonInvalid, Detail: "This is not an API key. One begins with " + prefix + "."}
	}
	return a.key(id, secret, time.Now())
}

// Resume implements Logins.
func (a Required) Resume(_ context.Context, cookie string) (Caller, error) {
	return a.session([]string{cookie}, time.Now())
}

// Provider implements Logins.
func (a Required) Provider() *OIDC { return a.OIDC }

// BeginSession makes a session that lives for life, MinSessionLife to MaxSessionLife, or
// until the key expires. The error is ErrNoTokens for a caller without an API key.
func (c Caller) BeginSession(life time.Duration, now time.Time) (Session, error) {
	if c.mint == nil || c.Token {
		return Session{}, ErrNoTokens
	}
	expires := now.Add(life).Truncate(time.Second)
	if !c.mint.until.IsZero() && c.mint.until.Before(expires) {
		expires = c.mint.until.Truncate(time.Second)
	}
	content := sessionClaims{ID: strings.ToLower(rand.Text())[:idLength], Expires: expires.Unix()}
	cookie, err := c.mint.sign(sessionContext, content)
	if err != nil {
		return Session{}, err
	}
	return sessionOf(cookie, content), nil
}

func sessionOf(cookie string, content sessionClaims) Session {
	return Session{Cookie: cookie, ID: content.ID, CSRF: csrfOf(cookie), ExpiresAt: time.Unix(content.Expires, 0)}
}

// csrfOf derives from a session what its page sends beside the cookie.
func csrfOf(cookie string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	mac.Write([]byte(csrfContext))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Proves reports, in constant time, whether given is the session's CSRF.
func (s Session) Proves(given string) bool {
	return hmac.Equal([]byte(s.CSRF), []byte(given))
}

// session admits the only cookie of a request, as long as its key is valid. Two of one
// name are refused: another program on the same host may have set one of them.
func (a Required) session(cookies []string, now time.Time) (Caller, error) {
	if len(cookies) != 1 || len(cookies[0]) > maxBearer {
		return Caller{}, noSession()
	}
	if a.OIDC != nil && strings.HasPrefix(cookies[0], oidcPrefix) {
		return a.OIDC.session(cookies[0], now)
	}
	t, ok := splitToken(cookies[0])
	if !ok {
		return Caller{}, noSession()
	}
	k, live, known := a.find(t.key, now)
	var content sessionClaims
	if valid := t.verify(k, sessionContext, now, &content); !valid || !known || content.ID == "" {
		return Caller{}, noSession()
	}
	if !live || now.Unix() >= content.Expires {
		return Caller{}, &Denial{Reason: ReasonExpired, Detail: "The session has expired. Log in again."}
	}
	c := callerOf(k)
	s := sessionOf(cookies[0], content)
	c.ID, c.Session = c.ID+"/"+content.ID, &s
	return c, nil
}

// noSession tells the caller nothing about why.
func noSession() *Denial {
	return &Denial{Reason: ReasonInvalid, Detail: "The session is not valid. It may have ended with its API key. Log in again."}
}
