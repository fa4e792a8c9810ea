package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/internal/auth"
)

// jar is what a browser keeps of a login: the cookie, and what the page knows.
type jar struct {
	set     *http.Cookie
	session resource.Session
}

func (j jar) cookie() header { return header{"Cookie", j.set.Name + "=" + j.set.Value} }
func (j jar) csrf() header   { return header{"X-Orak-CSRF", j.session.CSRF} }

// login logs in with a body.
func (g *guarded) login(body string, headers ...header) jar {
	g.t.Helper()
	r := g.post("/v1/session", body, headers...)
	session := into[resource.Session](g.t, r, http.StatusCreated)
	return jar{cookieOf(g.t, r), session}
}

// loginWith logs in with a key, given as its header.
func (g *guarded) loginWith(key header) jar {
	g.t.Helper()
	return g.login(fmt.Sprintf(`{"key":%q}`, keyOf(key)))
}

func keyOf(key header) string { return strings.TrimPrefix(key[1], "Bearer ") }

func cookieOf(t testing.TB, r reply) *http.Cookie {
	t.Helper()
	set := (&http.Response{Header: r.header}).Cookies()
	require.Len(t, set, 1)
	return set[0]
}

func TestLoginByKeySetsCookieThatActsForTheKey(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { b.deps.TemporalUI = "https://temporal.example" })
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeUpload, auth.ScopeRead}})

	require.Equal(t, resource.Session{Ways: []string{"key"}}, into[resource.Session](t, g.get("/v1/session"), http.StatusOK))
	j := g.loginWith(key)
	require.Equal(t, "orak_session", j.set.Name)
	require.True(t, j.set.HttpOnly)
	require.False(t, j.set.Secure, "on loopback there is no https")
	require.Equal(t, http.SameSiteStrictMode, j.set.SameSite)
	require.Equal(t, "/", j.set.Path)
	require.Empty(t, j.set.Domain)
	require.WithinDuration(t, time.Now().Add(g.cfg.SessionLife), j.set.Expires, time.Minute)
	_, secret, _ := strings.Cut(strings.TrimPrefix(keyOf(key), "orak_"), "_")
	require.NotContains(t, j.set.Value, secret)

	s := j.session
	require.True(t, s.Authenticated)
	require.Equal(t, orak.Tenant("choir"), s.Tenant)
	require.Equal(t, []string{"upload", "read"}, s.Scopes)
	require.False(t, s.AllTenants)
	require.True(t, strings.HasPrefix(s.By, "key/"+id+"/"), s.By)
	require.Equal(t, "https://temporal.example", s.TemporalUI)
	require.WithinDuration(t, j.set.Expires, s.ExpiresAt, time.Second)
	require.Equal(t, s, into[resource.Session](t, g.get("/v1/session", j.cookie()), http.StatusOK))
	require.Equal(t, "no-store", g.get("/v1/session", j.cookie()).header.Get("Cache-Control"))

	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), j.cookie(), j.csrf()).status)
	require.Equal(t, orak.Tenant("choir"), uploadOf(t, g.announced(1)[0]).Tenant)
	require.NotContains(t, g.log.String(), j.set.Value, "the cookie is in the log")
	require.NotContains(t, g.log.String(), secret)
	require.Contains(t, g.gathered(), `orak_api_logins_total{outcome="accepted",way="key"} 1`)
}

func TestSessionSendsResumableUpload(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeUpload}})
	j := g.loginWith(key)
	content := wav(20_000)
	tus := header{"Tus-Resumable", "1.0.0"}
	made := g.do(g.request(http.MethodPost, "/v1/tus", nil, j.cookie(), j.csrf(), tus, header{"Upload-Length", strconv.Itoa(len(content))}))
	require.Equal(t, http.StatusCreated, made.status, "%s", made.body)
	at := "/v1/tus/" + path.Base(made.header.Get("Location"))
	patch := func(headers ...header) int {
		headers = append(headers, j.cookie(), tus, header{"Upload-Offset", "0"}, header{"Content-Type", "application/offset+octet-stream"})
		return g.do(g.request(http.MethodPatch, at, bytes.NewReader(content), headers...)).status
	}
	require.Equal(t, http.StatusForbidden, patch())
	require.Equal(t, http.StatusNoContent, patch(j.csrf()))
	require.Equal(t, orak.Tenant("choir"), uploadOf(t, g.announced(1)[0]).Tenant)
}

func TestLoginOfOneOwnerSeesOnlyTheirs(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Owner: "singer-7", Scopes: []auth.Scope{auth.ScopeUpload, auth.ScopeRead}})
	j := g.loginWith(key)
	require.Equal(t, "singer-7", j.session.Owner)
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), j.cookie(), j.csrf()).status)
	require.Equal(t, "singer-7", uploadOf(t, g.announced(1)[0]).Owner)
	problem(t, g.do(g.request(http.MethodPost, "/v1/uploads?owner=singer-8", strings.NewReader("x"), j.cookie(), j.csrf())), http.StatusForbidden, "foreign-owner")
}

func TestLoginOfKeyForEveryTenantNamesOne(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})
	j := g.loginWith(key)
	require.True(t, j.session.AllTenants)
	require.Equal(t, orak.DefaultTenant, j.session.Tenant)
	named := into[resource.Session](t, g.get("/v1/session", j.cookie(), header{"X-Orak-Tenant", "band"}), http.StatusOK)
	require.Equal(t, orak.Tenant("band"), named.Tenant)
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), j.cookie(), j.csrf(), header{"X-Orak-Tenant", "band"}).status)
	require.Equal(t, orak.Tenant("band"), uploadOf(t, g.announced(1)[0]).Tenant)
}

func TestCookieIsOnlyForHTTPSBeyondLoopback(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { b.cfg.Hosts = []string{"orak.example"} })
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	at := func(method, path, body string, headers ...header) reply {
		req := g.request(method, path, strings.NewReader(body), append([]header{{"Content-Type", "application/json"}}, headers...)...)
		req.Host = "orak.example"
		return g.do(req)
	}
	set := cookieOf(t, at(http.MethodPost, "/v1/session", fmt.Sprintf(`{"key":%q}`, keyOf(key))))
	require.Equal(t, "__Host-orak_session", set.Name)
	require.True(t, set.Secure)
	require.True(t, set.HttpOnly)
	require.Equal(t, "/", set.Path)
	require.Empty(t, set.Domain)
	require.Equal(t, http.SameSiteStrictMode, set.SameSite)
	authenticated := func(r reply) bool { return into[resource.Session](t, r, http.StatusOK).Authenticated }
	require.True(t, authenticated(at(http.MethodGet, "/v1/session", "", header{"Cookie", "__Host-orak_session=" + set.Value})))
	require.False(t, authenticated(at(http.MethodGet, "/v1/session", "", header{"Cookie", "orak_session=" + set.Value})), "any page of a neighbouring host could set it")
}

func TestLoginIsRefusedWithoutValidKey(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	token := into[resource.UploadToken](t, g.post("/v1/upload-tokens", `{}`, key), http.StatusCreated).Token
	session := g.loginWith(key).set.Value
	revokedID, revoked := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	require.NoError(t, g.keys.Revoke(t.Context(), revokedID, "ann"))
	for name, given := range map[string]string{
		"a wrong secret": "orak_" + id + "_" + strings.Repeat("a", 52), "an unknown key": "orak_abcdefghijkl_" + strings.Repeat("a", 52), "a revoked key": keyOf(revoked),
		"an upload token": token, "a session": session, "a JWT": "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJjaG9pciJ9.", "a word": "letmein", "a bearer": key[1], "much": "orak_" + id + "_" + strings.Repeat("a", 8<<10),
	} {
		t.Log(name)
		r := g.post("/v1/session", fmt.Sprintf(`{"key":%q}`, given))
		problem(t, r, http.StatusUnauthorized, "unauthenticated")
		require.Empty(t, r.header.Get("Set-Cookie"))
		require.True(t, strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer "), "for another scheme a browser asks for a password")
	}
	for _, body := range []string{`{}`, `{"key":"","code":""}`, fmt.Sprintf(`{"key":%q,"code":"x"}`, keyOf(key)), `{"password":"x"}`, `[]`} {
		problem(t, g.post("/v1/session", body), http.StatusBadRequest, "invalid-request")
	}
	problem(t, g.do(g.request(http.MethodPost, "/v1/session", strings.NewReader(`{"key":"x"}`), header{"Content-Type", "text/plain"})), http.StatusUnsupportedMediaType, "not-json")
	problem(t, g.post("/v1/session", fmt.Sprintf(`{"key":%q}`, keyOf(key)), header{"Origin", "https://attacker.example"}), http.StatusForbidden, "cross-site")
}

func TestAttemptsToLogInAreBounded(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { b.cfg.MaxLogins = 3 })
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	for range 3 {
		problem(t, g.post("/v1/session", `{"key":"letmein"}`), http.StatusUnauthorized, "unauthenticated")
	}
	r := g.post("/v1/session", `{"key":"letmein"}`)
	problem(t, r, http.StatusTooManyRequests, "too-many-logins")
	require.Equal(t, "60", r.header.Get("Retry-After"))
	problem(t, g.post("/v1/session", `{"code":"letmein"}`), http.StatusTooManyRequests, "too-many-logins")
	require.Equal(t, http.StatusCreated, g.post("/v1/session", fmt.Sprintf(`{"key":%q}`, keyOf(key))).status, "a stranger with the same address locks nobody out")
	for range 3 {
		require.Equal(t, http.StatusCreated, g.post("/v1/login-codes", "", key).status)
	}
	problem(t, g.post("/v1/login-codes", "", key), http.StatusTooManyRequests, "too-many-logins")
	require.Contains(t, g.gathered(), `orak_api_logins_total{outcome="too-many-logins",way="key"} 1`)
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), key).status, "the key goes on")
}

// Every route, with every kind of bad cookie.
func TestSessionAccessToEveryRoute(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { b.cfg.SessionLife = auth.MinSessionLife })
	const tenant = orak.Tenant("choir")
	_, full := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
	good := g.loginWith(full)
	ending := time.Now().Add(2 * time.Second)
	_, short := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes, ExpiresAt: ending})
	expired := g.loginWith(short)
	require.False(t, expired.session.ExpiresAt.After(ending), "a session does not outlive its key")
	revokedID, key := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
	revoked := g.loginWith(key)
	require.NoError(t, g.keys.Revoke(t.Context(), revokedID, "ann"))
	rotatedID, key := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
	rotated := g.loginWith(key)
	_, _, err := g.keys.Rotate(t.Context(), rotatedID, 0, "ann")
	require.NoError(t, err)
	without := map[auth.Scope]jar{}
	for _, missing := range auth.Scopes {
		_, key := g.key(auth.NewKey{Tenant: tenant, Scopes: slices.DeleteFunc(slices.Clone(auth.Scopes), func(s auth.Scope) bool { return s == missing })})
		without[missing] = g.loginWith(key)
	}
	token := into[resource.UploadToken](t, g.post("/v1/upload-tokens", `{}`, full), http.StatusCreated).Token
	time.Sleep(time.Until(ending)) // only the clock ends a key

	value := good.set.Value
	tampered := value[:strings.LastIndexByte(value, '.')+1] + strings.Repeat("A", 86)
	denied := map[string][]header{
		"absent": nil, "of another name": {{"Cookie", "session=" + value}}, "empty": {{"Cookie", "orak_session="}}, "forged": {{"Cookie", "orak_session=" + tampered}},
		"another key": {{"Cookie", "orak_session=orak_abcdefghijkl" + value[len("orak_")+12:]}}, "the name for https": {{"Cookie", "__Host-orak_session=" + value}},
		"a key": {{"Cookie", "orak_session=" + keyOf(full)}}, "an upload token": {{"Cookie", "orak_session=" + token}}, "twice": {{"Cookie", "orak_session=" + value + "; orak_session=" + value}},
		"expired": {expired.cookie()}, "revoked": {revoked.cookie()}, "rotated away": {rotated.cookie()}, "as a bearer": {bearing(value)},
		"beside a wrong key": {good.cookie(), bearing("orak_abcdefghijkl_" + strings.Repeat("a", 52))}, "beside an empty Authorization": {good.cookie(), {"Authorization", ""}},
	}
	for _, name := range slices.Sorted(maps.Keys(denied)) {
		require.Falsef(t, into[resource.Session](t, g.get("/v1/session", denied[name]...), http.StatusOK).Authenticated, name)
	}
	for route, scope := range api.Scopes() {
		if scope == auth.ScopeNone {
			continue // /v1/session has tests of its own, and the others need no credential
		}
		for name, headers := range denied {
			r := g.ask(route, append(slices.Clone(headers), good.csrf())...)
			refused(t, route, r, http.StatusUnauthorized, "unauthenticated")
			require.Empty(t, r.header.Get("Set-Cookie"), name)
		}
		method, _, _ := strings.Cut(route, " ")
		if unsafe := method != http.MethodGet && method != http.MethodHead; unsafe {
			for _, proof := range [][]header{nil, {{"X-Orak-CSRF", ""}}, {{"X-Orak-CSRF", "x"}}, {without[auth.ScopeRead].csrf()}, {good.csrf(), good.csrf()}} {
				refused(t, route, g.ask(route, append(slices.Clone(proof), good.cookie())...), http.StatusForbidden, "csrf")
			}
			refused(t, route, g.ask(route, good.cookie(), good.csrf(), header{"Origin", "https://attacker.example"}), http.StatusForbidden, "cross-site")
			refused(t, route, g.ask(route, good.cookie(), good.csrf(), header{"Sec-Fetch-Site", "cross-site"}), http.StatusForbidden, "cross-site")
		}
		if scope != auth.ScopeAny {
			refused(t, route, g.ask(route, without[scope].cookie(), without[scope].csrf()), http.StatusForbidden, "missing-scope")
		}
		refused(t, route, g.ask(route, good.cookie(), good.csrf(), header{"X-Orak-Tenant", "thief"}), http.StatusForbidden, "foreign-tenant")
		if route != "POST /v1/login-codes" {
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, g.ask(route, good.cookie(), good.csrf()).status, route)
		}
		require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, g.ask(route, full, revoked.cookie()).status, "%s: a bearer goes before a cookie, and needs no proof", route)
	}
	for _, mints := range []string{"/v1/upload-tokens", "/v1/login-codes"} {
		problem(t, g.post(mints, `{}`, good.cookie(), good.csrf()), http.StatusForbidden, "missing-scope")
	}
}

func TestLogoutClearsTheCookie(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	j := g.loginWith(key)
	leave := func(headers ...header) reply {
		return g.do(g.request(http.MethodDelete, "/v1/session", nil, headers...))
	}
	for _, proof := range []header{{"X-Orak-CSRF", ""}, {"X-Orak-CSRF", "x"}} {
		r := leave(j.cookie(), proof)
		problem(t, r, http.StatusForbidden, "csrf")
		require.Empty(t, r.header.Get("Set-Cookie"))
	}
	r := leave(j.cookie(), j.csrf())
	require.Equal(t, http.StatusNoContent, r.status)
	cleared := cookieOf(t, r)
	require.Equal(t, j.set.Name, cleared.Name)
	require.Empty(t, cleared.Value)
	require.True(t, cleared.Expires.Before(time.Now()))
	require.Equal(t, http.StatusNoContent, leave().status, "without a session, too")
	require.Equal(t, http.StatusNoContent, leave(header{"Cookie", "orak_session=x"}).status, "a cookie that is not valid is forgotten, too")
	// No server keeps sessions, so that a copy of the cookie goes on; docs/auth.md says so.
	require.True(t, into[resource.Session](t, g.get("/v1/session", j.cookie()), http.StatusOK).Authenticated)
}

func TestSessionIsTakenByEveryInstance(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	j := g.loginWith(key)
	other := g.replica()
	require.Equal(t, j.session, into[resource.Session](t, other.get("/v1/session", j.cookie()), http.StatusOK))
}

func TestLoginCodeLogsInOnceOnAnyInstance(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeRead}})
	made := into[resource.LoginCode](t, g.post("/v1/login-codes", "", key), http.StatusCreated)
	require.Equal(t, "/login#code="+made.Code, made.URL)
	require.Less(t, len(made.Code), 40)
	require.WithinDuration(t, time.Now().Add(5*time.Minute), made.ExpiresAt, 10*time.Second)
	for _, kept := range g.bundle.keys() {
		require.NotContains(t, kept, made.Code, "who lists the bucket does not have the code")
	}

	body := fmt.Sprintf(`{"code":%q}`, made.Code)
	instances := []*bundle{g.bundle, g.replica()}
	var (
		group errgroup.Group
		won   = make(chan *http.Cookie, 8)
	)
	for i := range cap(won) {
		req := instances[i%2].request(http.MethodPost, "/v1/session", strings.NewReader(body), header{"Content-Type", "application/json"})
		group.Go(func() error {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			switch resp.StatusCode {
			case http.StatusCreated:
				won <- resp.Cookies()[0]
			case http.StatusUnauthorized:
			default:
				return errors.New(resp.Status)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, won, 1)
	j := jar{set: <-won}
	j.session = into[resource.Session](t, g.get("/v1/session", j.cookie()), http.StatusOK)
	require.Equal(t, []string{"read"}, j.session.Scopes)
	require.True(t, strings.HasPrefix(j.session.By, "key/"+id+"/"))
	problem(t, g.post("/v1/session", body), http.StatusUnauthorized, "unauthenticated")
	require.NotContains(t, g.log.String(), made.Code, "the code is in the log")
}

func TestLoginCodeEndsWithItsKey(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	made := into[resource.LoginCode](t, g.post("/v1/login-codes", "", key), http.StatusCreated)
	require.NoError(t, g.keys.Revoke(t.Context(), id, "ann"))
	problem(t, g.post("/v1/session", fmt.Sprintf(`{"code":%q}`, made.Code)), http.StatusUnauthorized, "unauthenticated")
	for _, code := range []string{"x", made.Code + "x", strings.ToUpper(made.Code), strings.Repeat("a", 101), "../" + made.Code} {
		problem(t, g.post("/v1/session", fmt.Sprintf(`{"code":%q}`, code)), http.StatusUnauthorized, "unauthenticated")
	}
	problem(t, g.post("/v1/login-codes", "", header{"Authorization", ""}), http.StatusUnauthorized, "unauthenticated")
}

func TestOldLoginCodesAreRefusedAndRemoved(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	expired, err := api.ExpiredLoginCode(t.Context(), g.Server, keyOf(key))
	require.NoError(t, err)
	problem(t, g.post("/v1/session", fmt.Sprintf(`{"code":%q}`, expired)), http.StatusUnauthorized, "unauthenticated")

	into[resource.LoginCode](t, g.post("/v1/login-codes", "", key), http.StatusCreated)
	require.Len(t, g.bundle.keys(), 2)
	require.NoError(t, api.RemoveLoginCodes(t.Context(), g.Server, time.Now().Add(-time.Minute)))
	require.Len(t, g.bundle.keys(), 2, "they may still be used")
	require.NoError(t, api.RemoveLoginCodes(t.Context(), g.Server, time.Now().Add(time.Minute)))
	require.Empty(t, g.bundle.keys())
}

func TestServerWithoutLoginSaysWhoTheCallerIs(t *testing.T) {
	t.Parallel()
	open := setup(t)
	everyone := into[resource.Session](t, open.get("/v1/session"), http.StatusOK)
	require.Equal(t, resource.Session{
		Authenticated: true, Ways: []string{}, Tenant: orak.DefaultTenant, Scopes: []string{"upload", "read", "operate", "admin"}, By: "anonymous",
	}, everyone)
	problem(t, open.post("/v1/session", `{"key":"x"}`), http.StatusNotFound, "not-found")
	problem(t, open.post("/v1/login-codes", ""), http.StatusNotFound, "not-found")
	require.Equal(t, http.StatusNoContent, open.do(open.request(http.MethodDelete, "/v1/session", nil)).status)

	gateway := setup(t, func(b *bundle) { b.deps.Callers = auth.Gateway{} })
	require.Equal(t, resource.Session{Ways: []string{}}, into[resource.Session](t, gateway.get("/v1/session"), http.StatusOK))
	passed := into[resource.Session](t, gateway.get("/v1/session", header{"X-Orak-Tenant", "choir"}, header{"X-Orak-Scopes", "read"}), http.StatusOK)
	require.Equal(t, resource.Session{Authenticated: true, Ways: []string{}, Tenant: "choir", Scopes: []string{"read"}, By: "gateway"}, passed)
}

func TestServerWithoutConsoleTakesNoSessions(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	j := g.loginWith(key)
	off := *g.bundle
	off.cfg.Console = false
	without := off.replica()
	require.Equal(t, resource.Session{Ways: []string{}}, into[resource.Session](t, without.get("/v1/session", j.cookie()), http.StatusOK))
	problem(t, without.get("/v1/uploads/"+someID, j.cookie()), http.StatusUnauthorized, "unauthenticated")
	problem(t, without.post("/v1/session", fmt.Sprintf(`{"key":%q}`, keyOf(key))), http.StatusNotFound, "not-found")
	require.True(t, into[resource.Session](t, without.get("/v1/session", key), http.StatusOK).Authenticated, "a bearer may ask who it is")
}
