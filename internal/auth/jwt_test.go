package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"orak/control"
	"orak/internal/auth"
	"orak/test/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

const issuerName, audience = "https://login.example.org/", "https://orak.example.org"

// issuer signs JWTs and serves its public keys over HTTP.
type issuer struct {
	*httptest.Server
	t       testing.TB
	mu      sync.Mutex
	keys    []map[string]string
	answer  http.HandlerFunc // instead of the keys
	fetches atomic.Int32
	ahead   atomic.Int64 // of the verifier's clock
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.fetches.Add(1)
		i.mu.Lock()
		answer, keys := i.answer, i.keys
		i.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	}))
	t.Cleanup(i.Close)
	return i
}

// answers makes the issuer answer by h; nil serves the keys again.
func (i *issuer) answers(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = h
}

// publishes replaces the issuer's keys.
func (i *issuer) publishes(keys ...map[string]string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

func (i *issuer) now() time.Time { return time.Now().Add(time.Duration(i.ahead.Load())) }

// passes moves the verifier's clock.
func (i *issuer) passes(d time.Duration) { i.ahead.Add(int64(d)) }

func (i *issuer) verifier(change ...func(*auth.JWTConfig)) auth.Required {
	i.t.Helper()
	cfg := auth.JWTConfig{
		Issuer: issuerName, Audience: audience, JWKSURL: i.URL, Algorithms: []string{"RS256", "ES256"},
		TenantClaim: "tenant", ScopesClaim: "scope", Refresh: 5 * time.Minute, MaxAge: time.Hour,
	}
	for _, c := range change {
		c(&cfg)
	}
	j, err := auth.NewJWTs(cfg, auth.JWTDeps{Log: slog.New(slog.DiscardHandler), Now: i.now})
	require.NoError(i.t, err)
	return auth.Required{Keys: noKeys{}, JWT: j}
}

type noKeys struct{}

func (noKeys) Key(string) (*control.Key, bool) { return nil, false }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaKey(t testing.TB, kid string) (*rsa.PrivateKey, map[string]string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key, map[string]string{"kty": "RSA", "kid": kid, "use": "sig", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}
}

func ecKey(t testing.TB, kid string) (*ecdsa.PrivateKey, map[string]string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	point, err := key.PublicKey.Bytes()
	require.NoError(t, err)
	return key, map[string]string{"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": b64(point[1:33]), "y": b64(point[33:])}
}

// claims returns valid claims with changes; nil removes one.
func (i *issuer) claims(changes ...any) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": issuerName, "aud": audience, "sub": "user-17", "exp": i.now().Add(time.Hour).Unix(), "tenant": "choir", "scope": "openid upload read",
	}
	for n := 0; n < len(changes); n += 2 {
		if name := changes[n].(string); changes[n+1] == nil {
			delete(c, name)
		} else {
			c[name] = changes[n+1]
		}
	}
	return c
}

func (i *issuer) sign(method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	i.t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	require.NoError(i.t, err)
	return text
}

func ask(t testing.TB, a auth.Required, credential string) (auth.Caller, error) {
	t.Helper()
	return a.Authenticate(t.Context(), auth.Request{Authorization: []string{"Bearer " + credential}})
}

func denied(t *testing.T, a auth.Required, credential string, reason auth.Reason, name string) {
	t.Helper()
	c, err := ask(t, a, credential)
	var denial *auth.Denial
	require.ErrorAs(t, err, &denial, name)
	require.Equal(t, reason, denial.Reason, name)
	require.Empty(t, c, name)
	for _, part := range append(strings.Split(credential, "."), "user-17", "choir") {
		if len(part) > 3 {
			require.NotContains(t, denial.Error()+denial.Detail, part, "%s: the denial has something of the credential", name)
		}
	}
}

func TestJWTIsTakenOnlyAsConfigured(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	key, public := rsaKey(t, "one")
	ec, ecPublic := ecKey(t, "two")
	encryption, encryptionPublic := rsaKey(t, "three")
	encryptionPublic["use"] = "enc"
	i.publishes(public, ecPublic, encryptionPublic, map[string]string{"kty": "oct", "kid": "shared", "k": b64([]byte("secret"))}, map[string]string{"kty": "RSA", "kid": "broken", "n": "!"})
	stranger, _ := rsaKey(t, "one")
	a := i.verifier()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	hour := i.now().Add(time.Hour).Unix()
	signed := func(changes ...any) string { return i.sign(jwt.SigningMethodRS256, key, "one", i.claims(changes...)) }
	good := signed()

	for name, text := range map[string]string{
		"RS256": good, "ES256": i.sign(jwt.SigningMethodES256, ec, "two", i.claims()), "one of its audiences": signed("aud", []string{"other", audience}),
		"an array of scopes": signed("scope", []string{"upload", "read", "root"}), "expired within the skew": signed("exp", i.now().Add(-20*time.Second).Unix()),
		"not before, within the skew": signed("nbf", i.now().Add(20*time.Second).Unix()),
	} {
		c, err := ask(t, a, text)
		require.NoError(t, err, name)
		require.Equal(t, auth.Caller{ID: "jwt/user-17", Tenant: "choir", Scopes: []auth.Scope{auth.ScopeUpload, auth.ScopeRead}}, c, name)
	}
	require.EqualValues(t, 1, i.fetches.Load())

	parts := strings.Split(good, ".")
	header := func(text string) string { return b64([]byte(text)) + "." + parts[1] + "." + parts[2] }
	critical := jwt.NewWithClaims(jwt.SigningMethodRS256, i.claims())
	critical.Header["kid"], critical.Header["crit"] = "one", []string{"b64"}
	extended, err := critical.SignedString(key)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"alg none":           i.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "one", i.claims()),
		"alg none, signed":   header(`{"alg":"none","kid":"one"}`),
		"alg nOnE":           header(`{"alg":"nOnE","kid":"one"}`),
		"no alg":             header(`{"kid":"one"}`),
		"HS256, public key":  i.sign(jwt.SigningMethodHS256, publicPEM, "one", i.claims()),
		"HS256, modulus":     i.sign(jwt.SigningMethodHS256, key.N.Bytes(), "one", i.claims()),
		"HS256, key in set":  i.sign(jwt.SigningMethodHS256, []byte("secret"), "shared", i.claims()),
		"RS512, not pinned":  i.sign(jwt.SigningMethodRS512, key, "one", i.claims()),
		"PS256, not pinned":  i.sign(jwt.SigningMethodPS256, key, "one", i.claims()),
		"key of another alg": header(`{"alg":"RS256","kid":"two"}`),
		"encryption key":     i.sign(jwt.SigningMethodRS256, encryption, "three", i.claims()),
		"a stranger's key":   i.sign(jwt.SigningMethodRS256, stranger, "one", i.claims()),
		"no kid":             i.sign(jwt.SigningMethodRS256, key, "", i.claims()),
		"kid is no text":     header(`{"alg":"RS256","kid":["one"]}`),
		"key in the header":  header(`{"alg":"RS256","kid":"x","jwk":{"kty":"oct","k":"AA"},"jku":"` + i.URL + `"}`),
		"an extension":       extended,
		"another issuer":     signed("iss", "https://login.example.org"),
		"no issuer":          signed("iss", nil),
		"another audience":   signed("aud", audience+"/x"),
		"no audience":        signed("aud", nil),
		"not before":         signed("nbf", hour),
		"no expiry":          signed("exp", nil),
		"expiry is a text":   signed("exp", "tomorrow"),
		"no subject":         signed("sub", nil),
		"subject no text":    signed("sub", 17),
		"no tenant":          signed("tenant", nil),
		"bad tenant":         signed("tenant", "../x"),
		"every tenant":       signed("tenant", "*"),
		"tenant no text":     signed("tenant", []string{"choir"}),
		"changed claims":     parts[0] + "." + b64([]byte(`{"iss":"x"}`)) + "." + parts[2],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"two parts":          parts[0] + "." + parts[1],
		"four parts":         good + ".x",
		"no JSON":            b64([]byte("{")) + ".e30.x",
		"not a JWT":          "abc",
		"too long":           good + strings.Repeat("A", 8<<10),
	} {
		denied(t, a, text, auth.ReasonInvalid, name)
	}
	denied(t, a, signed("exp", i.now().Add(-time.Minute).Unix()), auth.ReasonExpired, "expired")
	denied(t, a, signed("exp", i.now().Add(-time.Minute).Unix(), "aud", "other"), auth.ReasonInvalid, "expired, and for others")
	require.LessOrEqual(t, i.fetches.Load(), int32(2), "only an unknown key causes a fetch")
}

func TestClaimsOfJWTBecomeTheCaller(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	key, public := rsaKey(t, "one")
	i.publishes(public)
	a := i.verifier(func(c *auth.JWTConfig) {
		c.TenantClaim, c.ScopesClaim, c.OwnerClaim, c.EveryTenant = "https://orak/tenant", "permissions", "email", true
	})
	caller := func(changes ...any) auth.Caller {
		t.Helper()
		c, err := ask(t, a, i.sign(jwt.SigningMethodRS256, key, "one", i.claims(append([]any{"https://orak/tenant", "band", "email", "a@example.org"}, changes...)...)))
		require.NoError(t, err)
		return c
	}
	c := caller("permissions", []string{"admin", "operate", "admin"})
	require.Equal(t, auth.Caller{ID: "jwt/user-17", Tenant: "band", Scopes: []auth.Scope{auth.ScopeOperate, auth.ScopeAdmin}, Owner: "a@example.org"}, c)
	require.Empty(t, caller().Scopes, "no scopes permit nothing")
	require.Empty(t, caller("permissions", 7).Scopes)
	require.True(t, caller("https://orak/tenant", "*").EveryTenant)
	_, err := c.Mint(auth.TokenOptions{Tenant: "band", Life: time.Minute}, time.Now())
	require.ErrorIs(t, err, auth.ErrNoTokens)

	ids := map[string]bool{}
	for _, subject := range []string{"auth0|17", "a@example.org", "line\nbreak", strings.Repeat("x", 5000), "~" + strings.Repeat("0", 32), "ann (key/x)"} {
		id := caller("sub", subject).ID
		require.Regexp(t, `^jwt/(auth0\|17|~[0-9a-f]{32})$`, id)
		ids[id] = true
	}
	require.Len(t, ids, 6)
	for name, owner := range map[string]any{"missing": nil, "empty": "", "no text": 3, "long": strings.Repeat("x", 201), "control character": "a\x00b"} {
		denied(t, a, i.sign(jwt.SigningMethodRS256, key, "one", i.claims("https://orak/tenant", "band", "email", owner)), auth.ReasonInvalid, name)
	}
}

func TestRotatedKeysOfTheIssuerAreFetched(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	old, oldPublic := rsaKey(t, "old")
	i.publishes(oldPublic)
	a := i.verifier()
	first := i.sign(jwt.SigningMethodRS256, old, "old", i.claims())
	_, err := ask(t, a, first)
	require.NoError(t, err)

	next, nextPublic := ecKey(t, "next")
	i.publishes(oldPublic, nextPublic)
	i.passes(11 * time.Second)
	second := i.sign(jwt.SigningMethodES256, next, "next", i.claims())
	_, err = ask(t, a, second)
	require.NoError(t, err, "a key that is not known yet is fetched")
	require.EqualValues(t, 2, i.fetches.Load())

	i.publishes(nextPublic)
	i.passes(6 * time.Minute)
	_, err = ask(t, a, second)
	require.NoError(t, err)
	require.Eventually(t, func() bool { _, err := ask(t, a, first); return err != nil }, 5*time.Second, time.Millisecond, "the withdrawn key ends with the refresh")
	denied(t, a, first, auth.ReasonInvalid, "withdrawn key")
	require.EqualValues(t, 3, i.fetches.Load())
}

func TestFloodOfUnknownKeysCausesFewFetches(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	key, public := ecKey(t, "one")
	i.publishes(public)
	a := i.verifier()
	good := i.sign(jwt.SigningMethodES256, key, "one", i.claims())
	flood := func() {
		var wg sync.WaitGroup
		for n := range 200 {
			text := i.sign(jwt.SigningMethodES256, key, fmt.Sprintf("unknown-%d", n), i.claims())
			wg.Go(func() { _, _ = ask(t, a, text) })
		}
		wg.Wait()
	}
	flood()
	require.EqualValues(t, 1, i.fetches.Load())
	i.passes(11 * time.Second)
	flood()
	require.EqualValues(t, 2, i.fetches.Load())
	_, err := ask(t, a, good)
	require.NoError(t, err)
	denied(t, a, i.sign(jwt.SigningMethodES256, key, "unknown", i.claims()), auth.ReasonInvalid, "unknown")
}

func TestUnavailableIssuerAdmitsNobodyNew(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	key, public := ecKey(t, "one")
	i.publishes(public)
	for name, answer := range map[string]http.HandlerFunc{
		"error":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"large": func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{public}, "x": strings.Repeat("x", 1<<20)})
		},
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		i.answers(answer)
		a := i.verifier()
		known := i.sign(jwt.SigningMethodES256, key, "one", i.claims("exp", i.now().Add(9*time.Hour).Unix()))
		denied(t, a, known, auth.ReasonUnavailable, name+": never fetched")
		i.answers(nil)
		denied(t, a, known, auth.ReasonUnavailable, name+": tried a moment ago")
		i.passes(11 * time.Second)
		_, err := ask(t, a, known)
		require.NoError(t, err, name+": it recovers")

		i.answers(answer)
		i.passes(50 * time.Minute)
		_, err = ask(t, a, known)
		require.NoError(t, err, name+": known keys go on")
		denied(t, a, i.sign(jwt.SigningMethodES256, key, "two", i.claims()), auth.ReasonUnavailable, name+": unknown key")
		i.passes(11 * time.Minute)
		denied(t, a, known, auth.ReasonUnavailable, name+": too old")
		i.answers(nil)
		i.passes(11 * time.Second)
		_, err = ask(t, a, known)
		require.NoError(t, err, name+": it recovers again")
	}
}

func TestJWTConfigIsValidated(t *testing.T) {
	t.Parallel()
	good := auth.JWTConfig{
		Issuer: issuerName, Audience: audience, JWKSURL: "https://login.example.org/keys", Algorithms: []string{"EdDSA"}, TenantClaim: "tenant", ScopesClaim: "scope",
		Refresh: time.Minute, MaxAge: time.Hour,
	}
	require.NoError(t, good.Validate())
	require.NoError(t, auth.JWTConfig{}.Validate())
	for name, change := range map[string]func(*auth.JWTConfig){
		"no issuer": func(c *auth.JWTConfig) { c.Issuer = "" }, "no audience": func(c *auth.JWTConfig) { c.Audience = "" }, "no URL": func(c *auth.JWTConfig) { c.JWKSURL = "" },
		"http": func(c *auth.JWTConfig) { c.JWKSURL = "http://login.example.org/keys" }, "user": func(c *auth.JWTConfig) { c.JWKSURL = "https://a:b@login.example.org/" },
		"file": func(c *auth.JWTConfig) { c.JWKSURL = "file:///keys" }, "HS256": func(c *auth.JWTConfig) { c.Algorithms = []string{"RS256", "HS256"} },
		"none": func(c *auth.JWTConfig) { c.Algorithms = []string{"none"} }, "no algorithm": func(c *auth.JWTConfig) { c.Algorithms = nil },
		"no claim": func(c *auth.JWTConfig) { c.TenantClaim = "" }, "refresh": func(c *auth.JWTConfig) { c.Refresh = time.Second }, "age": func(c *auth.JWTConfig) { c.MaxAge = time.Second },
	} {
		c := good
		change(&c)
		require.Error(t, c.Validate(), name)
	}
	for _, m := range []auth.Mode{auth.ModeGateway, auth.ModeNone} {
		require.Error(t, auth.Config{Mode: m, JWT: good}.Validate(), m)
	}
}

func TestNoAuthenticationOnlyOnLoopback(t *testing.T) {
	t.Parallel()
	for addr, exposed := range map[string]bool{
		"127.0.0.1:8080": false, "localhost:8080": false, "[::1]:8080": false, ":8080": true, "0.0.0.0:8080": true, "[::]:8080": true, "10.0.0.7:8080": true, "orak.example.org:80": true,
	} {
		err := auth.Config{Mode: auth.ModeNone}.CheckAddr(addr)
		if exposed {
			require.ErrorIs(t, err, auth.ErrExposed, addr)
		} else {
			require.NoError(t, err, addr)
		}
		require.NoError(t, auth.Config{Mode: auth.ModeRequired}.CheckAddr(addr))
	}
}
