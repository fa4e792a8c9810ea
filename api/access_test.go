package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/control"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/kafka"
)

// guarded is a server that requires credentials, with its keys.
type guarded struct {
	*bundle
	keys *auth.Keys
}

func setupGuarded(t testing.TB, change ...func(b *bundle)) *guarded {
	t.Helper()
	g := &guarded{}
	g.bundle = setup(t, append(change, func(b *bundle) {
		cfg := kafka.Config{Brokers: b.broker.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}
		cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(cl.Close)
		require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
		v := control.NewView(control.Config{MaxDocuments: 1000, MaxBytes: 1 << 20, LoadWait: time.Second}, control.Deps{Kafka: cfg, Log: b.deps.Log, Metrics: prometheus.NewRegistry()})
		require.NoError(t, v.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, v.Stop(context.Background())) })
		require.NoError(t, v.AwaitLoaded(t.Context()))
		w := control.NewWriter(cfg, v, b.deps.Log)
		g.keys = auth.NewKeys(v, w)
		callers, _ := b.deps.Callers.(auth.Required) // with an issuer, or none
		callers.Keys = v
		b.deps.Callers, b.deps.Keys = callers, g.keys
		documents := struct {
			*control.View
			*control.Writer
		}{v, w}
		b.deps.Settings = documents
		if b.cfg.MaxTenantWebhooks > 0 {
			b.deps.Webhooks = documents
		}
	})...)
	return g
}

// key makes a key and returns its header.
func (g *guarded) key(n auth.NewKey) (id string, credential header) {
	g.t.Helper()
	made, text, err := g.keys.Create(g.t.Context(), n, "ann")
	require.NoError(g.t, err)
	return made.ID, bearing(text)
}

func bearing(credential string) header { return header{"Authorization", "Bearer " + credential} }

// ask sends a request to a route for an id that does not exist.
func (g *guarded) ask(described string, headers ...header) reply {
	method, path, _ := strings.Cut(described, " ")
	req := g.request(method, strings.NewReplacer(":id", "01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10", "{id}", "01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10", "{delivery}", "x").Replace(path), nil)
	for _, h := range headers {
		req.Header.Add(h[0], h[1])
	}
	return g.do(req)
}

// refused requires that a route answers with a problem, which a HEAD has no body for.
func refused(t *testing.T, route string, r reply, status int, code string) {
	t.Helper()
	if strings.HasPrefix(route, http.MethodHead+" ") {
		require.Equal(t, status, r.status, route)
		return
	}
	problem(t, r, status, code)
}

func TestAccessToEveryRoute(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	const tenant = orak.Tenant("choir")
	_, full := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
	expiring := time.Now().Add(2 * time.Second)
	_, expired := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes, ExpiresAt: expiring})
	revokedID, revoked := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
	require.NoError(t, g.keys.Revoke(t.Context(), revokedID, "ann"))
	_, rotated, err := func() (control.Key, string, error) {
		id, _ := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
		return g.keys.Rotate(t.Context(), id, 0, "ann")
	}()
	require.NoError(t, err)
	oldID, old := g.key(auth.NewKey{Tenant: tenant, Scopes: auth.Scopes})
	_, _, err = g.keys.Rotate(t.Context(), oldID, 0, "ann")
	require.NoError(t, err)
	without := map[auth.Scope]header{}
	for _, missing := range auth.Scopes {
		var rest []auth.Scope
		for _, s := range auth.Scopes {
			if s != missing {
				rest = append(rest, s)
			}
		}
		_, without[missing] = g.key(auth.NewKey{Tenant: tenant, Scopes: rest})
	}
	time.Sleep(time.Until(expiring)) // only the clock ends a key

	wrong := bearing(strings.Repeat("x", 10))
	denied := map[string][]header{
		"no credential": nil, "empty": {{"Authorization", ""}}, "not a key": {wrong}, "unknown id": {bearing("orak_abcdefghijkl_" + strings.Repeat("a", 52))},
		"wrong secret": {{"Authorization", full[1][:len(full[1])-1] + "!"}}, "no secret": {bearing("orak_" + revokedID + "_")}, "basic": {{"Authorization", "Basic " + full[1]}},
		"two headers": {full, full}, "two credentials": {{"Authorization", full[1] + "," + full[1]}}, "expired": {expired}, "revoked": {revoked}, "rotated away": {old},
		"a token of nobody": {bearing("orak_abcdefghijkl.e30." + strings.Repeat("A", 86))}, "a JWT": {bearing("eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJjaG9pciJ9.")},
		"a gateway's headers": {{"X-Orak-Tenant", "choir"}, {"X-Orak-Scopes", "admin"}},
	}
	for route, scope := range api.Scopes() {
		if scope == auth.ScopeNone {
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, g.ask(route).status, route)
			continue
		}
		for name, headers := range denied {
			r := g.ask(route, headers...)
			refused(t, route, r, http.StatusUnauthorized, "unauthenticated")
			require.True(t, strings.HasPrefix(r.header.Get("WWW-Authenticate"), `Bearer realm="orak"`), "%s: %s", route, name)
		}
		if scope != auth.ScopeAny {
			refused(t, route, g.ask(route, without[scope]), http.StatusForbidden, "missing-scope")
		}
		refused(t, route, g.ask(route, full, header{"X-Orak-Tenant", "thief"}), http.StatusForbidden, "foreign-tenant")
		for _, credential := range []header{full, bearing(rotated)} {
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, g.ask(route, credential, header{"X-Orak-Tenant", "choir"}).status, route)
		}
	}
	log := g.log.String()
	for _, credential := range []header{full, revoked, old, bearing(rotated)} {
		_, secret, _ := strings.Cut(strings.TrimPrefix(credential[1], "Bearer orak_"), "_")
		require.NotContains(t, log, secret, "a secret is in the log")
	}
}

func TestUploadTokenOnlySendsWhatItMay(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeUpload, auth.ScopeRead}})
	minted := into[resource.UploadToken](t, g.post("/v1/upload-tokens", `{"owner":"singer-7","max_bytes":3000,"expires_in_seconds":60}`, key), http.StatusCreated)
	token := bearing(minted.Token)
	require.WithinDuration(t, time.Now().Add(time.Minute), minted.ExpiresAt, 10*time.Second)

	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), token).status)
	u := uploadOf(t, g.announced(1)[0])
	require.Equal(t, "singer-7", u.Owner)
	require.Equal(t, orak.Tenant("choir"), u.Tenant)
	problem(t, g.upload(wav(4000), token), http.StatusRequestEntityTooLarge, "too-large")
	problem(t, g.do(g.request(http.MethodPost, "/v1/uploads?owner=singer-8", bytes.NewReader(wav(2000)), token)), http.StatusForbidden, "foreign-owner")
	require.Equal(t, http.StatusAccepted, g.do(g.request(http.MethodPost, "/v1/uploads?owner=singer-7", bytes.NewReader(wav(2000)), token)).status)
	for route, scope := range api.Scopes() {
		if scope != auth.ScopeNone && !api.TakesTokens(route) {
			refused(t, route, g.ask(route, token), http.StatusForbidden, "missing-scope")
		}
	}
	for name, changed := range map[string]string{
		"another signature": minted.Token[:strings.LastIndexByte(minted.Token, '.')+1] + strings.Repeat("A", 86), "another key": "orak_abcdefghijkl" + minted.Token[len("orak_")+12:],
	} {
		require.Equal(t, http.StatusUnauthorized, g.upload(wav(2000), bearing(changed)).status, name)
	}

	_, rotated, err := g.keys.Rotate(t.Context(), id, time.Hour, "ann")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), token).status, "the secret before is still valid")
	second := into[resource.UploadToken](t, g.post("/v1/upload-tokens", `{}`, bearing(rotated)), http.StatusCreated)
	require.NoError(t, g.keys.Revoke(t.Context(), id, "ann"))
	for _, of := range []string{minted.Token, second.Token} {
		problem(t, g.upload(wav(2000), bearing(of)), http.StatusUnauthorized, "unauthenticated")
	}
}

func TestAdminKeyManagesOnlyItsTenantAndScopes(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, admin := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeAdmin, auth.ScopeRead}})
	foreign, _ := g.key(auth.NewKey{Tenant: "band", Scopes: auth.Scopes})
	stronger, _ := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	_, root := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})

	made := into[resource.NewAPIKey](t, g.post("/v1/admin/keys", `{"name":"reader","scopes":["read"]}`, admin), http.StatusCreated)
	require.Equal(t, orak.Tenant("choir"), made.Tenant)
	require.Contains(t, made.ChangedBy, "key/")
	require.Equal(t, http.StatusServiceUnavailable, g.get("/v1/uploads", bearing(made.Key)).status, "no index here, but permitted")
	problem(t, g.post("/v1/admin/keys", `{"scopes":["upload"]}`, admin), http.StatusForbidden, "missing-scope")
	problem(t, g.post("/v1/admin/keys", `{"scopes":["read"],"tenant":"band"}`, admin), http.StatusForbidden, "foreign-tenant")
	problem(t, g.post("/v1/admin/keys", `{"scopes":["read"],"tenant":"*"}`, admin), http.StatusForbidden, "foreign-tenant")
	problem(t, g.post("/v1/admin/keys", `{"scopes":["everything"]}`, admin), http.StatusBadRequest, "invalid-request")
	problem(t, g.post("/v1/admin/keys/"+foreign+"/rotate", `{}`, admin), http.StatusNotFound, "not-found")
	problem(t, g.post("/v1/admin/keys/"+stronger+"/rotate", `{}`, admin), http.StatusForbidden, "missing-scope")
	problem(t, g.do(g.request(http.MethodDelete, "/v1/admin/keys/"+foreign, nil, admin)), http.StatusNotFound, "not-found")

	list := g.get("/v1/admin/keys", admin)
	require.Len(t, into[resource.APIKeys](t, list, http.StatusOK).Keys, 3)
	for _, secret := range []string{made.Key, "sha256", "token_key"} {
		require.NotContains(t, string(list.body), secret)
	}
	require.Len(t, into[resource.APIKeys](t, g.get("/v1/admin/keys", root), http.StatusOK).Keys, 5)
	require.Len(t, into[resource.APIKeys](t, g.get("/v1/admin/keys", root, header{"X-Orak-Tenant", "band"}), http.StatusOK).Keys, 1)

	rotated := into[resource.NewAPIKey](t, g.post("/v1/admin/keys/"+made.ID+"/rotate", `{"overlap_seconds":0}`, admin), http.StatusOK)
	require.Equal(t, http.StatusUnauthorized, g.get("/v1/uploads", bearing(made.Key)).status)
	require.Equal(t, http.StatusServiceUnavailable, g.get("/v1/uploads", bearing(rotated.Key)).status)
	require.Equal(t, http.StatusNoContent, g.do(g.request(http.MethodDelete, "/v1/admin/keys/"+made.ID, nil, admin)).status)
	require.Equal(t, http.StatusUnauthorized, g.get("/v1/uploads", bearing(rotated.Key)).status)
}

func TestRecordsNameTheCredential(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	u := into[resource.Upload](t, g.upload(wav(2000), key), http.StatusAccepted)
	require.Equal(t, http.StatusAccepted, g.do(g.request(http.MethodDelete, "/v1/uploads/"+string(u.ID)+"?by=ann&reason=asked", nil, key)).status)
	for _, e := range g.announced(2) {
		if asked, err := e.Erasure(); err == nil {
			require.Equal(t, "key/"+id+" (ann)", asked.By)
			return
		}
	}
	require.Fail(t, "no erasure was announced")
}

func TestEveryActOfAnOperatorIsLogged(t *testing.T) {
	t.Parallel()
	acts := map[string]bool{}
	for route, scope := range api.Scopes() {
		method, path, _ := strings.Cut(route, " ")
		act := api.Acts()[route]
		reads := method == http.MethodGet || method == http.MethodHead
		require.False(t, reads && act != "", route)
		if !reads && (scope == auth.ScopeOperate || scope == auth.ScopeAdmin) && path != "/v1/store-events" && !strings.HasPrefix(path, "/v1/codec/") {
			require.NotEmpty(t, act, route)
		}
		require.False(t, act != "" && acts[act], "%s is said twice", act)
		acts[act] = true
	}

	g := setupGuarded(t)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	made := into[resource.NewAPIKey](t, g.post("/v1/admin/keys", `{"scopes":["read"]}`, key), http.StatusCreated)
	into[resource.NewAPIKey](t, g.post("/v1/admin/keys/"+made.ID+"/rotate", `{}`, key), http.StatusOK)
	require.Equal(t, http.StatusNoContent, g.do(g.request(http.MethodDelete, "/v1/admin/keys/"+made.ID, nil, key)).status)
	require.Equal(t, http.StatusNotFound, g.do(g.request(http.MethodDelete, "/v1/admin/keys/"+made.ID, nil, key)).status, "a refused request is no act")
	u := into[resource.Upload](t, g.upload(wav(2000), key), http.StatusAccepted)
	require.Equal(t, http.StatusAccepted, g.do(g.request(http.MethodDelete, "/v1/uploads/"+string(u.ID)+"?by=ann", nil, key)).status)

	var got [][3]string
	for line := range strings.Lines(g.log.String()) {
		var said struct{ Msg, Act, By, Tenant, Subject string }
		require.NoError(t, json.Unmarshal([]byte(line), &said))
		if said.Msg == "operator acted" {
			require.Equal(t, "choir", said.Tenant)
			got = append(got, [3]string{said.Act, said.By, said.Subject})
		}
	}
	by := "key/" + id
	require.Equal(t, [][3]string{
		{"key.create", by, made.ID}, {"key.rotate", by, made.ID}, {"key.revoke", by, made.ID}, {"upload.erase", by, string(u.ID)},
	}, got)
}

func TestUnverifiableJWTIsAnsweredAsUnavailable(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(away.Close)
	b := setup(t, func(b *bundle) {
		jwts, err := auth.NewJWTs(auth.JWTConfig{
			Issuer: "x", Audience: "x", JWKSURL: away.URL, Algorithms: []string{"RS256"}, TenantClaim: "tenant", ScopesClaim: "scope", Refresh: time.Minute, MaxAge: time.Hour,
		}, auth.JWTDeps{Log: b.deps.Log})
		require.NoError(t, err)
		b.deps.Callers = auth.Required{JWT: jwts}
	})
	r := b.get("/v1/uploads", bearing("eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA"))
	problem(t, r, http.StatusServiceUnavailable, "unavailable")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	problem(t, b.get("/v1/uploads", bearing("eyJhbGciOiJub25lIn0.e30.")), http.StatusUnauthorized, "unauthenticated")
}

func TestGatewayNamesTenantAndScopesOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.deps.Callers = auth.Gateway{} })
	for name, c := range map[string]struct {
		tenants, scopes []string
		status          int
	}{
		"both":          {[]string{"choir"}, []string{"upload, read"}, http.StatusServiceUnavailable}, // there is no index
		"no scopes":     {[]string{"choir"}, nil, http.StatusUnauthorized},
		"no tenant":     {nil, []string{"read"}, http.StatusUnauthorized},
		"two tenants":   {[]string{"choir", "choir"}, []string{"read"}, http.StatusUnauthorized},
		"two scopes":    {[]string{"choir"}, []string{"read", "read"}, http.StatusUnauthorized},
		"bad tenant":    {[]string{"Choir!"}, []string{"read"}, http.StatusUnauthorized},
		"bad scope":     {[]string{"choir"}, []string{"read,root"}, http.StatusUnauthorized},
		"another scope": {[]string{"choir"}, []string{"upload"}, http.StatusForbidden},
	} {
		req := b.request(http.MethodGet, "/v1/uploads", nil)
		for _, v := range c.tenants {
			req.Header.Add("X-Orak-Tenant", v)
		}
		for _, v := range c.scopes {
			req.Header.Add("X-Orak-Scopes", v)
		}
		require.Equal(t, c.status, b.do(req).status, name)
	}
}

func TestLimitsOfATenantAreMet(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[api.TenantLimits]
	now.Store(&api.TenantLimits{})
	b := setup(t, func(b *bundle) { b.deps.Limits = func(orak.Tenant) api.TenantLimits { return *now.Load() } })
	choir, band := header{"X-Orak-Tenant", "choir"}, header{"X-Orak-Tenant", "band"}

	now.Store(&api.TenantLimits{UploadBytes: 1000})
	problem(t, b.upload(wav(2000), choir), http.StatusRequestEntityTooLarge, "too-large")
	now.Store(&api.TenantLimits{DayBytes: 5000})
	require.Equal(t, http.StatusAccepted, b.upload(wav(3000), choir).status)
	r := b.upload(wav(3000), choir)
	problem(t, r, http.StatusTooManyRequests, "daily-bytes")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	require.Equal(t, http.StatusAccepted, b.upload(wav(3000), band).status, "another tenant")
	require.Equal(t, http.StatusNoContent, b.patch(b.begin(1500, choir), 0, wav(1500), choir).status)
	problem(t, b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, choir, header{"Upload-Length", "600"})), http.StatusTooManyRequests, "daily-bytes")
	now.Store(&api.TenantLimits{DayBytes: 50000})
	require.Equal(t, http.StatusAccepted, b.upload(wav(3000), choir).status, "the limit is live")

	now.Store(&api.TenantLimits{Requests: 2})
	limited := 0
	for range 5 {
		r = b.get("/v1/uploads/01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10", choir)
		require.Equal(t, `"requests";q=2;w=1`, r.header.Get("RateLimit-Policy"))
		require.Regexp(t, `^"requests";r=[0-2];t=1$`, r.header.Get("RateLimit"))
		if r.status == http.StatusTooManyRequests {
			problem(t, r, http.StatusTooManyRequests, "rate-limited")
			require.Equal(t, "1", r.header.Get("Retry-After"))
			limited++
		}
	}
	require.NotZero(t, limited)
	require.NotEqual(t, http.StatusTooManyRequests, b.get("/v1/uploads/01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10", band).status)
	require.Contains(t, b.gathered(), `orak_api_limited_requests_total{limit="requests"}`)
	require.Contains(t, b.gathered(), `orak_api_limited_requests_total{limit="day-bytes"} 2`)
}
