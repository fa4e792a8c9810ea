package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/internal/auth"
	"orak/internal/objectstore"
)

// ended stores the outcome of an accepted upload, so that its status is known without
// Temporal.
func (b *bundle) ended(u orak.Upload) {
	b.t.Helper()
	require.NoError(b.t, objectstore.PutJSON(b.t.Context(), b.store, orak.OutcomeKey(u.Tenant, u.ID), orak.Progress{Upload: u, Status: orak.StatusCompleted}, false))
}

// A key that is bound to an owner neither reads, lists, cancels nor erases the recordings
// of others of its tenant, whatever scopes its document has.
func TestKeyOfAnOwnerKnowsOnlyItsOwners(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { withIndex(b) })
	both := []auth.Scope{auth.ScopeUpload, auth.ScopeRead}
	_, ann := g.key(auth.NewKey{Tenant: "choir", Scopes: both, Owner: "ann"})
	_, bob := g.key(auth.NewKey{Tenant: "choir", Scopes: both, Owner: "bob"})
	_, whole := g.key(auth.NewKey{Tenant: "choir", Scopes: both})
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), ann, header{"Idempotency-Key", "take-1"}).status)
	u := uploadOf(t, g.announced(1)[0])
	require.Equal(t, "ann", u.Owner)
	g.ended(u)

	own := "/v1/uploads/" + string(u.ID)
	for route, scope := range api.Scopes() {
		method, path, _ := strings.Cut(route, " ")
		switch {
		case scope == auth.ScopeOperate || scope == auth.ScopeAdmin:
			refused(t, route, g.ask(route, bob), http.StatusForbidden, "missing-scope")
		case strings.HasPrefix(path, "/v1/uploads/{id}") || strings.HasPrefix(path, "/v1/uploads/:id"):
			path = strings.NewReplacer(":id", string(u.ID), "{id}", string(u.ID)).Replace(path)
			refused(t, route, g.do(g.request(method, path, nil, bob)), http.StatusNotFound, "not-found")
			if method == http.MethodGet {
				require.NotContains(t, []int{http.StatusForbidden, http.StatusUnauthorized}, g.do(g.request(method, path, nil, whole)).status, route)
			}
		}
	}
	require.Equal(t, "ann", into[resource.Upload](t, g.get(own, ann), http.StatusOK).Owner)
	problem(t, g.get("/v1/uploads?owner=ann", bob), http.StatusForbidden, "foreign-owner")
	problem(t, g.upload(wav(2000), bob, header{"Idempotency-Key", "take-1"}), http.StatusUnprocessableEntity, "idempotency-conflict")
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), ann, header{"Idempotency-Key", "take-1"}).status)
	require.Equal(t, http.StatusAccepted, g.do(g.request(http.MethodDelete, own, nil, ann)).status)

	_, _, err := g.keys.Create(t.Context(), auth.NewKey{Tenant: "choir", Scopes: auth.Scopes, Owner: "ann"}, "ann")
	var bad *auth.BadKey
	require.ErrorAs(t, err, &bad)
}

// boundTo admits everyone as one owner of one tenant.
type boundTo struct{ owner string }

func (b boundTo) Authenticate(context.Context, auth.Request) (auth.Caller, error) {
	return auth.Caller{ID: "test", Tenant: "choir", Scopes: auth.Scopes, Owner: b.owner}, nil
}

func TestStreamOfATenantHasOnlyWhatItsOwnerMayKnow(t *testing.T) {
	t.Parallel()
	b := setup(t, withFeed, func(b *bundle) { b.deps.Callers = boundTo{"ann"} })
	next, end := b.followTenant("choir", "")
	defer end()
	next()
	foreign, own := progress("choir", orak.StatusDiscarded), progress("choir", orak.StatusDiscarded)
	foreign.Upload.Owner, own.Upload.Owner = "bob", "ann"
	b.happens(foreign)
	b.happens(own)
	var u resource.Upload
	require.NoError(t, json.Unmarshal([]byte(named(next).data), &u))
	require.Equal(t, own.Upload.ID, u.ID)
}

// An owner with characters that no upload may have would make an event that nobody can
// read, after its recording was accepted.
func TestOwnerOfACredentialIsOneOfAnUpload(t *testing.T) {
	t.Parallel()
	const joined = "sing\u200der"
	g := setupGuarded(t)
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	problem(t, g.post("/v1/upload-tokens", `{"owner":"`+joined+`"}`, key), http.StatusBadRequest, "invalid-request")
	problem(t, g.post("/v1/admin/keys", `{"scopes":["upload"],"owner":"`+joined+`"}`, key), http.StatusBadRequest, "invalid-request")
	problem(t, setup(t, func(b *bundle) { b.deps.Callers = boundTo{joined} }).upload(wav(2000)), http.StatusBadRequest, "invalid-request")
}

func TestBytesOfADayIncludeResumableUploads(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.deps.Limits = func(orak.Tenant) api.TenantLimits { return api.TenantLimits{DayBytes: 5000} }
	})
	content := wav(3000)
	require.Equal(t, http.StatusNoContent, b.patch(b.begin(len(content)), 0, content).status)
	problem(t, b.upload(content), http.StatusTooManyRequests, "daily-bytes")
}
