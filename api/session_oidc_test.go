package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
)

const (
	oidcClient = "orak-console"
	oidcSecret = "a secret of the client"
)

// idp is an identity provider that logs everybody in.
type idp struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu sync.Mutex
	// codes have what each code was given for, until it is used.
	codes map[string]url.Values
	// claims changes those of ID tokens, and token answers in place of the token endpoint.
	claims func(jwt.MapClaims)
	token  http.HandlerFunc
}

func newIDP(t testing.TB) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p := &idp{key: key, codes: map[string]url.Values{}}
	point, err := key.PublicKey.Bytes()
	require.NoError(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	set := map[string]any{"keys": []any{map[string]string{"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "x": b64(point[1:33]), "y": b64(point[33:])}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(set) })
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.exchange)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// set changes what the provider does.
func (p *idp) set(claims func(jwt.MapClaims), token http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims, p.token = claims, token
}

func (p *idp) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != oidcClient || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || !strings.Contains(q.Get("scope"), "openid") || q.Get("nonce") == "" {
		http.Error(w, "not a request for a code", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (p *idp) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token != nil {
		p.token(w, r)
		return
	}
	id, secret, _ := r.BasicAuth()
	asked, known := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	// Both are form-encoded within the header (RFC 6749, 2.3.1).
	given, _ := url.QueryUnescape(secret)
	if !known || id != oidcClient || given != oidcSecret || r.FormValue("grant_type") != "authorization_code" || r.FormValue("redirect_uri") != asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": oidcClient, "sub": "user-17", "exp": time.Now().Add(10 * time.Minute).Unix(), "nonce": asked.Get("nonce"), "tenant": "choir", "scope": "read upload",
	}
	if p.claims != nil {
		p.claims(claims)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = "1"
	text, err := token.SignedString(p.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": text})
}

// setupOIDC starts a server where people log in at p.
func setupOIDC(t *testing.T, p *idp, change ...func(b *bundle)) *guarded {
	t.Helper()
	return setupGuarded(t, append(change, func(b *bundle) {
		jwts, err := auth.NewJWTs(auth.JWTConfig{
			Issuer: p.URL, Audience: "https://orak.example", JWKSURL: p.URL + "/keys", Algorithms: []string{"ES256"}, TenantClaim: "tenant", ScopesClaim: "scope", Refresh: time.Minute, MaxAge: time.Hour,
		}, auth.JWTDeps{Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		provider, err := auth.NewOIDC(auth.OIDCConfig{ClientID: oidcClient, ClientSecret: oidcSecret, AuthURL: p.URL + "/authorize", TokenURL: p.URL + "/token"}, jwts)
		require.NoError(t, err)
		b.deps.Callers = auth.Required{JWT: jwts, OIDC: provider}
	})...)
}

// unfollowed sends a request and follows no redirect.
func (b *bundle) unfollowed(req *http.Request) reply {
	b.t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	r := reply{resp.StatusCode, resp.Header, body, resp.Close}
	if strings.HasPrefix(req.URL.String(), b.url("/")) {
		held(b.t, req, nil, r)
	}
	return r
}

// atProvider begins a login, and returns its cookie and where the provider sends the
// browser back to.
func (g *guarded) atProvider() (flow *http.Cookie, back string) {
	g.t.Helper()
	return g.from("/v1/session/oidc")
}

// atProviderFrom is atProvider for a browser that comes from a page of the console.
func (g *guarded) atProviderFrom(page string) (flow *http.Cookie, back string) {
	g.t.Helper()
	return g.from("/v1/session/oidc?" + url.Values{"to": {page}}.Encode())
}

func (g *guarded) from(path string) (flow *http.Cookie, back string) {
	g.t.Helper()
	begun := g.unfollowed(g.request(http.MethodGet, path, nil))
	require.Equal(g.t, http.StatusSeeOther, begun.status, "%s", begun.body)
	flow = cookieOf(g.t, begun)
	require.Equal(g.t, http.SameSiteLaxMode, flow.SameSite, "the provider's page sends the browser back")
	require.True(g.t, flow.HttpOnly)
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, begun.header.Get("Location"), nil)
	require.NoError(g.t, err)
	there := g.unfollowed(req)
	require.Equal(g.t, http.StatusFound, there.status, "%s", there.body)
	back, ok := strings.CutPrefix(there.header.Get("Location"), g.url(""))
	require.True(g.t, ok, there.header.Get("Location"))
	return flow, back
}

// back comes back from the provider, with the cookie of the login, or nil.
func (g *guarded) back(path string, flow *http.Cookie, headers ...header) reply {
	g.t.Helper()
	req := g.request(http.MethodGet, path, nil, headers...)
	if flow != nil {
		req.AddCookie(&http.Cookie{Name: flow.Name, Value: flow.Value})
	}
	return g.unfollowed(req)
}

func TestLoginAtIdentityProvider(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	g := setupOIDC(t, p)
	require.Equal(t, []string{"key", "oidc"}, into[resource.Session](t, g.get("/v1/session"), http.StatusOK).Ways)
	flow, back := g.atProvider()
	r := g.back(back, flow)
	require.Equal(t, http.StatusSeeOther, r.status, "%s", r.body)
	require.Equal(t, "/", r.header.Get("Location"))
	set := (&http.Response{Header: r.header}).Cookies()
	require.Len(t, set, 2)
	require.Equal(t, flow.Name, set[0].Name)
	require.Empty(t, set[0].Value, "the login is over")
	j := jar{set: set[1]}
	require.True(t, j.set.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, j.set.SameSite)

	j.session = into[resource.Session](t, g.get("/v1/session", j.cookie()), http.StatusOK)
	require.True(t, j.session.Authenticated)
	require.Equal(t, orak.Tenant("choir"), j.session.Tenant)
	require.Equal(t, []string{"upload", "read"}, j.session.Scopes)
	require.True(t, strings.HasPrefix(j.session.By, "jwt/user-17/"), j.session.By)
	require.WithinDuration(t, time.Now().Add(10*time.Minute), j.session.ExpiresAt, 10*time.Second, "as long as the ID token")
	require.Equal(t, http.StatusForbidden, g.upload(wav(2000), j.cookie()).status)
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), j.cookie(), j.csrf()).status)
	problem(t, g.get("/v1/dead-letters", j.cookie()), http.StatusForbidden, "missing-scope")
	require.Equal(t, j.session, into[resource.Session](t, g.replica().get("/v1/session", j.cookie()), http.StatusOK))
	tampered := jar{set: &http.Cookie{Name: j.set.Name, Value: j.set.Value[:len(j.set.Value)-4] + "AAAA"}}
	problem(t, g.get("/v1/uploads/"+someID, tampered.cookie()), http.StatusUnauthorized, "unauthenticated")
	problem(t, g.get("/v1/uploads/"+someID, header{"Cookie", j.set.Name + "=oidc." + flow.Value}), http.StatusUnauthorized, "unauthenticated")

	problem(t, g.back(back, flow), http.StatusUnauthorized, "unauthenticated") // the provider takes a code once
	code, err := url.Parse(back)
	require.NoError(t, err)
	require.NotContains(t, g.log.String(), code.Query().Get("code"))
	require.NotContains(t, g.log.String(), j.set.Value)
	require.Contains(t, g.gathered(), `orak_api_logins_total{outcome="accepted",way="oidc"} 1`)
}

func TestLoginThatAnotherBrowserBeganIsRefused(t *testing.T) {
	t.Parallel()
	g := setupOIDC(t, newIDP(t))
	flow, back := g.atProvider()
	other, _ := g.atProvider()
	at, err := url.Parse(back)
	require.NoError(t, err)
	code := at.Query().Get("code")
	for name, r := range map[string]reply{
		"no cookie":       g.back(back, nil),
		"another's":       g.back(back, other),
		"a forged cookie": g.back(back, &http.Cookie{Name: flow.Name, Value: flow.Value[:len(flow.Value)-4] + "AAAA"}),
		"no state":        g.back(at.Path+"?code="+code, flow),
		"another state":   g.back(at.Path+"?state=x&code="+code, flow),
		"no code":         g.back(at.Path+"?error=access_denied&state="+at.Query().Get("state"), flow),
		"an invented one": g.back(at.Path+"?code=x&state="+at.Query().Get("state"), flow),
	} {
		t.Log(name)
		problem(t, r, http.StatusUnauthorized, "unauthenticated")
		for _, c := range (&http.Response{Header: r.header}).Cookies() {
			require.Empty(t, c.Value)
		}
	}
	require.Equal(t, http.StatusSeeOther, g.back(back, flow).status, "none of them used the code")
}

func TestIDTokenIsHeldToTheLogin(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	g := setupOIDC(t, p)
	for name, claims := range map[string]func(jwt.MapClaims){
		"another login":      func(c jwt.MapClaims) { c["nonce"] = "x" },
		"no nonce":           func(c jwt.MapClaims) { delete(c, "nonce") },
		"another client":     func(c jwt.MapClaims) { c["aud"] = "another" },
		"the API's audience": func(c jwt.MapClaims) { c["aud"] = "https://orak.example" },
		"two audiences":      func(c jwt.MapClaims) { c["aud"] = []string{oidcClient, "another"} },
		"another party":      func(c jwt.MapClaims) { c["azp"] = "another" },
		"another issuer":     func(c jwt.MapClaims) { c["iss"] = "https://attacker.example" },
		"expired":            func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"no end":             func(c jwt.MapClaims) { delete(c, "exp") },
		"no tenant":          func(c jwt.MapClaims) { delete(c, "tenant") },
		"every tenant":       func(c jwt.MapClaims) { c["tenant"] = "*" },
		"nobody":             func(c jwt.MapClaims) { delete(c, "sub") },
	} {
		t.Log(name)
		p.set(claims, nil)
		flow, back := g.atProvider()
		problem(t, g.back(back, flow), http.StatusUnauthorized, "unauthenticated")
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		status int
	}{
		"no ID token": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"x","token_type":"Bearer"}`)
		}, http.StatusUnauthorized},
		"an unsigned one": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"x","token_type":"Bearer","id_token":"eyJhbGciOiJub25lIiwia2lkIjoiMSJ9.e30."}`)
		}, http.StatusUnauthorized},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://attacker.example/", http.StatusTemporaryRedirect)
		}, http.StatusUnauthorized},
		"a failure": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, http.StatusServiceUnavailable},
		"no JSON":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, http.StatusServiceUnavailable},
	} {
		t.Log(name)
		p.set(nil, test.answer)
		flow, back := g.atProvider()
		require.Equal(t, test.status, g.back(back, flow).status, name)
	}
	p.set(func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{oidcClient, "another"}, oidcClient }, nil)
	flow, back := g.atProvider()
	require.Equal(t, http.StatusSeeOther, g.back(back, flow).status, "for this client among others")
	require.NotContains(t, g.log.String(), oidcSecret)
}

func TestServerWithoutIdentityProvider(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	problem(t, g.get("/v1/session/oidc"), http.StatusNotFound, "not-found")
	problem(t, g.get("/v1/session/oidc/callback?state=x&code=y"), http.StatusNotFound, "not-found")
}

// asBrowser is the Accept of a browser that opens a page.
var asBrowser = header{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}

func TestFailedLoginAtIdentityProviderLeadsBackToTheLogin(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	g := setupOIDC(t, p)
	const page = "/operate/dead-letters?class=input&text=%ED%95%9C"
	flow, back := g.atProviderFrom(page)
	at, err := url.Parse(back)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		path   string
		cookie *http.Cookie
		code   string
		to     string
	}{
		"the provider refuses": {at.Path + "?error=access_denied&state=" + at.Query().Get("state"), flow, "unauthenticated", page},
		"another state":        {at.Path + "?code=x&state=y", flow, "unauthenticated", page},
		"no cookie":            {back, &http.Cookie{Name: flow.Name, Value: "x"}, "unauthenticated", ""},
	} {
		t.Log(name)
		r := g.back(test.path, test.cookie, asBrowser)
		require.Equal(t, http.StatusSeeOther, r.status, "%s", r.body)
		login, err := url.Parse(r.header.Get("Location"))
		require.NoError(t, err)
		require.Equal(t, []string{"/login", test.code, test.to}, []string{login.Path, login.Query().Get("problem"), login.Query().Get("to")})
		require.Empty(t, r.header.Get("WWW-Authenticate"))
		for _, c := range (&http.Response{Header: r.header}).Cookies() {
			require.Empty(t, c.Value)
		}
	}
	require.NotContains(t, g.log.String(), "access_denied")

	p.set(nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	flow, back = g.atProviderFrom(page)
	r := g.back(back, flow, asBrowser)
	require.Equal(t, "/login?"+url.Values{"problem": {"unavailable"}, "to": {page}}.Encode(), r.header.Get("Location"))
	problem(t, g.back(back, flow), http.StatusServiceUnavailable, "unavailable") // a program

	p.set(nil, nil)
	flow, back = g.atProviderFrom(page)
	r = g.back(back, flow, asBrowser)
	require.Equal(t, http.StatusSeeOther, r.status)
	require.Equal(t, page, r.header.Get("Location"), "where the login began")
}

func TestLoginReturnsOnlyToPagesOfTheConsole(t *testing.T) {
	t.Parallel()
	g := setupOIDC(t, newIDP(t))
	for _, to := range []string{
		"//evil.example", "///evil.example", "/\\evil.example", "/\\/evil.example", "\\\\evil.example", "https://evil.example/", "https:evil.example", "javascript:alert(1)", "evil.example", "operate",
		"/\t/evil.example", "/\n/evil.example", "/a\r\nSet-Cookie: a=b", "/\x00", " /operate", "/operate ", "/operate\x7f", "/%2f%2fevil.example", "/%2Fevil.example", "/%5cevil.example", "/%0d%0a",
		"/.//evil.example", "/a/..//evil.example", "/a/../v1/session/oidc", "/%2e%2e/v1", "/v1/session/oidc", "/login", "/login?to=/login", "/docs/", "/operate#code=x", "/한", "/%zz",
		"/" + strings.Repeat("a", 1024),
	} {
		r := g.get("/v1/session/oidc?" + url.Values{"to": {to}}.Encode())
		problem(t, r, http.StatusBadRequest, "invalid-request")
		require.Empty(t, r.header.Values("Set-Cookie"), to)
		begun := g.unfollowed(g.request(http.MethodGet, "/v1/session/oidc?"+url.Values{"to": {to}}.Encode(), nil, asBrowser))
		require.Equal(t, http.StatusSeeOther, begun.status, to)
		require.Equal(t, "/login?problem=invalid-request", begun.header.Get("Location"), to)
	}
	problem(t, g.get("/v1/session/oidc?to=/operate&to=/uploads"), http.StatusBadRequest, "invalid-request")
	for _, to := range []string{"/", "/operate", "/operate/", "/uploads/0190?view=json", "/operate/uploads?text=%5C%2F%2Fa+b", "/songs/%ED%95%9C"} {
		flow, back := g.atProviderFrom(to)
		r := g.back(back, flow)
		require.Equal(t, http.StatusSeeOther, r.status)
		require.Equal(t, to, r.header.Get("Location"))
	}
}

func TestTooManyLoginsAtIdentityProviderLeadToTheLogin(t *testing.T) {
	t.Parallel()
	g := setupOIDC(t, newIDP(t), func(b *bundle) { b.cfg.MaxLogins = 1 })
	path := "/v1/session/oidc?to=%2Foperate"
	require.Equal(t, http.StatusSeeOther, g.unfollowed(g.request(http.MethodGet, path, nil, asBrowser)).status)
	again := g.unfollowed(g.request(http.MethodGet, path, nil, asBrowser))
	require.Equal(t, http.StatusSeeOther, again.status)
	require.Equal(t, "/login?problem=too-many-logins&to=%2Foperate", again.header.Get("Location"))
	problem(t, g.get(path), http.StatusTooManyRequests, "too-many-logins")
}
