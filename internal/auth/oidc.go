package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"orak"
)

// OIDCConfig says how people log in at the issuer of JWTs (OpenID Connect, authorization
// code with PKCE).
type OIDCConfig struct {
	ClientID     string   `name:"client-id" help:"Let people log in to the console at the issuer of JWTs, as this client. Its redirect URI is https://HOST/v1/session/oidc/callback. Empty: only with API keys." default:""`
	ClientSecret string   `name:"client-secret" help:"Secret of that client, at least 16 bytes; the same for all API processes, which also encrypt sessions with it." secret:""`
	AuthURL      string   `name:"auth-url" help:"The issuer's authorization endpoint, as an https URL; http only on loopback." default:""`
	TokenURL     string   `name:"token-url" help:"The issuer's token endpoint, as an https URL; http only on loopback." default:""`
	Scopes       []string `help:"Scopes to ask for beside openid. ID tokens must then have the claims of the tenant and of the scopes." default:""`
}

// Enabled reports whether people log in at the issuer.
func (c OIDCConfig) Enabled() bool { return c.ClientID != "" }

// minClientSecret is the length of the shortest client secret, in bytes: sessions are
// encrypted with it.
const minClientSecret = 16

// Validate returns the first error that makes c unusable.
func (c OIDCConfig) Validate() error {
	if !c.Enabled() {
		if c.ClientSecret != "" || c.AuthURL != "" || c.TokenURL != "" {
			return errors.New("oidc-client-id: is required with oidc-client-secret, oidc-auth-url and oidc-token-url")
		}
		return nil
	}
	if len(c.ClientSecret) < minClientSecret {
		return fmt.Errorf("oidc-client-secret: want %d bytes at least", minClientSecret)
	}
	if err := checkSecureURL(c.AuthURL); err != nil {
		return fmt.Errorf("oidc-auth-url: %w", err)
	}
	if err := checkSecureURL(c.TokenURL); err != nil {
		return fmt.Errorf("oidc-token-url: %w", err)
	}
	return nil
}

const (
	// oidcPrefix begins the cookies of sessions of an identity provider.
	oidcPrefix = "oidc."
	// OIDCFlowLife is for how long somebody may be at the provider to log in.
	OIDCFlowLife = 10 * time.Minute
	// oidcTimeout bounds the exchange of a code.
	oidcTimeout = 10 * time.Second
	// The contexts of what is encrypted with the client's secret.
	oidcKeyContext     = "orak oidc cookies 1"
	oidcFlowContext    = "orak oidc flow 1"
	oidcSessionContext = "orak oidc session 1"
)

// OIDC logs people in at an identity provider. No process keeps anything: what is needed
// later is in cookies, encrypted with a key that follows from the client's secret.
type OIDC struct {
	cfg    OIDCConfig
	jwts   *JWTs
	parser *jwt.Parser
	box    cipher.AEAD
	http   *http.Client
}

// NewOIDC returns what logs people in whose ID tokens jwts verifies. It returns an error
// where cfg is not valid, or names no client.
func NewOIDC(cfg OIDCConfig, jwts *JWTs) (*OIDC, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !cfg.Enabled() {
		return nil, errors.New("oidc: no client is configured")
	}
	key, err := hkdf.Key(sha256.New, []byte(cfg.ClientSecret), nil, oidcKeyContext, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &OIDC{
		cfg: cfg, jwts: jwts, parser: jwts.parserFor(cfg.ClientID), box: box,
		http: &http.Client{
			Timeout:       oidcTimeout,
			Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// flow is what is remembered of somebody who is at the provider.
type flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Redirect string `json:"redirect"`
	// To is where the browser goes after the login.
	To string `json:"to,omitempty"`
	// Expires is in seconds since 1970.
	Expires int64 `json:"exp"`
}

func (o *OIDC) oauth(redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.cfg.ClientID, ClientSecret: o.cfg.ClientSecret, RedirectURL: redirect, Scopes: append([]string{"openid"}, o.cfg.Scopes...),
		Endpoint: oauth2.Endpoint{AuthURL: o.cfg.AuthURL, TokenURL: o.cfg.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
	}
}

// Begin returns the address of the provider where somebody logs in, and the cookie that
// End needs, for OIDCFlowLife. The provider sends the browser back to redirect. The cookie
// remembers to, which Destination returns.
func (o *OIDC) Begin(redirect, to string, now time.Time) (address, cookie string, err error) {
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect, To: to, Expires: now.Add(OIDCFlowLife).Unix()}
	cookie, err = o.seal(oidcFlowContext, f)
	if err != nil {
		return "", "", err
	}
	return o.oauth(redirect).AuthCodeURL(f.State, oauth2.S256ChallengeOption(f.Verifier), oauth2.SetAuthURLParam("nonce", f.Nonce)), cookie, nil
}

// Destination returns what Begin was given as to; "" for a cookie that is not one of
// Begin's. It does not matter whether the login went on or is too old.
func (o *OIDC) Destination(cookie string) string {
	var f flow
	if !o.open(oidcFlowContext, cookie, &f) {
		return ""
	}
	return f.To
}

// errFlow is what an answer of the provider lacks that was not asked for by this browser.
var errFlow = errors.New("the browser did not begin this login, or too long ago")

// End exchanges the code that the provider gave for the login which the cookie of Begin
// remembers, and returns the caller in a session: as long as the ID token is valid, and
// at most life. Its errors are *Denial.
func (o *OIDC) End(ctx context.Context, cookie, state, code string, life time.Duration, now time.Time) (Caller, error) {
	var f flow
	if !o.open(oidcFlowContext, cookie, &f) || now.Unix() >= f.Expires || subtle.ConstantTimeCompare([]byte(f.State), []byte(state)) != 1 || code == "" {
		return Caller{}, notLoggedIn(errFlow)
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, o.http)
	answer, err := o.oauth(f.Redirect).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return Caller{}, exchangeDenial(err)
	}
	text, _ := answer.Extra("id_token").(string)
	if text == "" || len(text) > maxBearer*4 {
		return Caller{}, notLoggedIn(errors.New("the provider gave no ID token"))
	}
	claims, err := o.jwts.claims(ctx, o.parser, text)
	if err != nil {
		return Caller{}, err
	}
	if err := o.check(claims, f.Nonce); err != nil {
		return Caller{}, notLoggedIn(err)
	}
	c, err := o.jwts.identified(claims)
	if err != nil {
		return Caller{}, err
	}
	expires, err := claims.GetExpirationTime()
	if err != nil {
		return Caller{}, notLoggedIn(err)
	}
	return o.begin(c, now, minTime(expires.Time, now.Add(life)))
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// check returns an error unless the ID token is for this client, and for the login that
// has the nonce (OpenID Connect Core, 3.1.3.7).
func (o *OIDC) check(claims jwt.MapClaims, nonce string) error {
	given, _ := claims["nonce"].(string)
	if subtle.ConstantTimeCompare([]byte(given), []byte(nonce)) != 1 {
		return errors.New("the ID token is not of this login")
	}
	audiences, err := claims.GetAudience()
	if err != nil {
		return errors.New("the ID token has no audience")
	}
	party, named := claims["azp"].(string)
	if named && party != o.cfg.ClientID || !named && len(audiences) > 1 {
		return errors.New("the ID token is for another client")
	}
	return nil
}

// exchangeDenial turns an error of the provider into one that has nothing of its answer:
// that may have credentials.
func exchangeDenial(err error) *Denial {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < http.StatusInternalServerError {
		return notLoggedIn(fmt.Errorf("the provider answered the exchange with %d", refused.Response.StatusCode))
	}
	return &Denial{Reason: ReasonUnavailable, Detail: "The identity provider cannot be asked now. Try again.", Err: errors.New("the token endpoint does not answer")}
}

func notLoggedIn(err error) *Denial {
	return &Denial{Reason: ReasonInvalid, Detail: "The identity provider did not log you in here. Begin again at the page of this server.", Err: err}
}

// providedClaims are the content of a session of the provider.
type providedClaims struct {
	ID     string      `json:"id"`
	By     string      `json:"by"`
	Tenant orak.Tenant `json:"tenant"`
	Scopes []Scope     `json:"scopes"`
	Owner  string      `json:"owner,omitempty"`
	// Expires is in seconds since 1970.
	Expires int64 `json:"exp"`
}

func (o *OIDC) begin(c Caller, now, until time.Time) (Caller, error) {
	content := providedClaims{ID: newID(), By: c.ID, Tenant: c.Tenant, Scopes: c.Scopes, Owner: c.Owner, Expires: until.Unix()}
	sealed, err := o.seal(oidcSessionContext, content)
	if err != nil {
		return Caller{}, err
	}
	return o.session(oidcPrefix+sealed, now)
}

// session admits the cookie of a session of the provider.
func (o *OIDC) session(cookie string, now time.Time) (Caller, error) {
	var content providedClaims
	if !o.open(oidcSessionContext, strings.TrimPrefix(cookie, oidcPrefix), &content) {
		return Caller{}, noSession()
	}
	if now.Unix() >= content.Expires {
		return Caller{}, &Denial{Reason: ReasonExpired, Detail: "The session has expired. Log in again."}
	}
	s := sessionOf(cookie, sessionClaims{ID: content.ID, Expires: content.Expires})
	return Caller{
		ID: content.By + "/" + content.ID, Tenant: content.Tenant, Scopes: content.Scopes, Owner: content.Owner,
		EveryTenant: content.Tenant == EveryTenant, Session: &s,
	}, nil
}

func (o *OIDC) seal(context string, content any) (string, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(o.box.Seal(nil, nil, text, []byte(context))), nil
}

func (o *OIDC) open(context, text string, content any) bool {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := o.box.Open(nil, nil, sealed, []byte(context))
	return err == nil && json.Unmarshal(plain, content) == nil
}
