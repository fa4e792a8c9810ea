package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/sinks/index"
	"orak/sinks/index/sqlite"
	"orak/songs"
)

// route is a route that depends on the tenant.
type route struct {
	method, path string
	// operator routes accept EveryTenant if that is enabled.
	operator bool
}

func (r route) is(method, path string) bool { return r.method == method && r.path == path }

func routes() []route {
	return []route{
		{http.MethodPost, "/v1/uploads", false},
		{http.MethodGet, "/v1/uploads/:id", false},
		{http.MethodDelete, "/v1/uploads/:id", false},
		{http.MethodPost, "/v1/uploads/:id/cancel", false},
		{http.MethodGet, "/v1/uploads/:id/analysis", false},
		{http.MethodGet, "/v1/uploads/:id/pitch", false},
		{http.MethodGet, "/v1/uploads/:id/audio", false},
		{http.MethodGet, "/v1/uploads/:id/waveform", false},
		{http.MethodGet, "/v1/uploads/:id/original", false},
		{http.MethodGet, "/v1/uploads/:id/events", false},
		{http.MethodGet, "/v1/events", false},
		{http.MethodGet, "/v1/uploads", false},
		{http.MethodGet, "/v1/uploads/:id/similar", false},
		{http.MethodGet, "/v1/uploads/:id/songs", false},
		{http.MethodGet, "/v1/songs", false},
		{http.MethodPost, "/v1/songs", false},
		{http.MethodDelete, "/v1/songs/:id", false},
		{http.MethodGet, "/v1/dead-letters", true},
		{http.MethodGet, "/v1/dead-letters/counts", true},
		{http.MethodGet, "/v1/dead-letters/:id", true},
		{http.MethodPost, "/v1/dead-letters/:id/reprocess", true},
		{http.MethodPost, "/v1/dead-letters/:id/discard", true},
		{http.MethodGet, "/v1/audit", true},
		{http.MethodGet, "/v1/attention", true},
		{http.MethodGet, "/v1/uploads/:id/history", true},
		{http.MethodGet, "/v1/queues", true},
		{http.MethodGet, "/v1/lag", true},
		{http.MethodGet, "/v1/topics", true},
		{http.MethodGet, "/v1/outages", true},
		{http.MethodGet, "/v1/reconcile", true},
		{http.MethodPost, "/v1/reconcile", true},
		{http.MethodGet, "/v1/sinks", true},
	}
}

// operated are the routes that need Operations, which these tests do not have;
// TestOperatorOfOneTenantSeesOnlyItsUploads does.
var operated = []string{"/v1/attention", "/v1/queues", "/v1/lag", "/v1/topics", "/v1/outages", "/v1/reconcile", "/v1/sinks"}

// A new route must be added to the table.
func TestTenantTableHasEveryRoute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var served, known []string
	for _, r := range b.Routes() {
		if r == "GET /v1/openapi.yaml" || strings.Contains(r, " /v1/webhooks") || strings.Contains(r, "/v1/admin/") || strings.Contains(r, "/v1/upload-tokens") ||
			strings.Contains(r, "/v1/codec/") || strings.Contains(r, " /v1/session") || strings.Contains(r, " /v1/login-codes") ||
			strings.Contains(r, "/v1/uploads/direct") || strings.Contains(r, "/v1/tus") || r == "POST /v1/store-events" {
			continue // for everyone; see TestWebhooksOfAnotherTenantAreNotFound, TestDirectUploadsOfOtherTenantsAreUnknown, codec_endpoint_test.go, access_test.go and session_test.go
		}
		if strings.HasPrefix(r, "GET /v1/") || strings.HasPrefix(r, "POST /v1/") || strings.HasPrefix(r, "DELETE /v1/") {
			served = append(served, r)
		}
	}
	for _, r := range routes() {
		known = append(known, r.method+" "+r.path)
	}
	slices.Sort(served)
	slices.Sort(known)
	require.Equal(t, known, slices.Compact(served))
}

// owned has one dead letter for each of three tenants.
func owned(b *temporalBundle) map[orak.Tenant]orak.Progress {
	all := map[orak.Tenant]orak.Progress{}
	for _, of := range []orak.Tenant{orak.DefaultTenant, "choir", "band"} {
		p := progress(of, orak.StatusDeadLettered)
		b.begin(p)
		all[of] = p
	}
	return all
}

// TestTenantOfEveryRoute requests every route with every form of the header for an
// upload of each of three tenants. Only the uploads of the one tenant are shown and
// decided on, unless the request is for every tenant and that is enabled.
func TestTenantOfEveryRoute(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		given      []string
		allTenants bool
		// sees are the tenants whose uploads the request may see.
		sees []orak.Tenant
		// refused is the status of a refusal, operatorRefused on operator routes.
		refused, operatorRefused int
	}{
		"absent":               {given: nil, allTenants: true, sees: []orak.Tenant{"default"}},
		"empty":                {given: []string{""}, allTenants: true, sees: []orak.Tenant{"default"}},
		"one":                  {given: []string{"choir"}, allTenants: true, sees: []orak.Tenant{"choir"}},
		"another":              {given: []string{"thief"}, allTenants: true},
		"absent, all off":      {given: nil, sees: []orak.Tenant{"default"}},
		"every":                {given: []string{"*"}, allTenants: true, sees: []orak.Tenant{"default", "choir", "band"}, refused: 400},
		"every, all off":       {given: []string{"*"}, refused: 400, operatorRefused: 403},
		"twice":                {given: []string{"choir", "band"}, allTenants: true, refused: 400, operatorRefused: 400},
		"twice the same":       {given: []string{"choir", "choir"}, allTenants: true, refused: 400, operatorRefused: 400},
		"twice, one empty":     {given: []string{"", "choir"}, allTenants: true, refused: 400, operatorRefused: 400},
		"twice, and every one": {given: []string{"choir", "*"}, allTenants: true, refused: 400, operatorRefused: 400},
		"a list":               {given: []string{"choir, band"}, allTenants: true, refused: 400, operatorRefused: 400},
		"malformed":            {given: []string{"a' OR '1'='1"}, allTenants: true, refused: 400, operatorRefused: 400},
		"upper case":           {given: []string{"Choir"}, allTenants: true, refused: 400, operatorRefused: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var store *sqlite.Store
			b := setupTemporal(t, func(b *bundle) { b.cfg.AllTenants, store = of.allTenants, withIndex(b) })
			uploads := owned(b)
			indexOwned(t, store, uploads)
			b.eventually(func() bool {
				ids, _ := b.listed("", tenant("band"))
				return len(ids) == 1
			}, "visibility has them")
			send := func(r route, id orak.UploadID) reply {
				var body string
				if r.method == http.MethodPost {
					body = decision
				}
				mediaType := "application/json"
				switch {
				case r.is(http.MethodPost, "/v1/uploads"):
					body = string(wav(2000))
				case r.is(http.MethodPost, "/v1/songs"):
					body, mediaType = `{"id":"new","title":"new","low":"C4","high":"C5"}`, "application/jsonl"
				}
				req := b.request(r.method, strings.Replace(r.path, ":id", string(id), 1), strings.NewReader(body), header{"Content-Type", mediaType})
				for _, v := range of.given {
					req.Header.Add("X-Orak-Tenant", v)
				}
				return b.do(req)
			}
			check := func(r route) {
				refused := of.refused
				if r.operator {
					refused = of.operatorRefused
				}
				for whose, p := range uploads {
					got := send(r, p.Upload.ID)
					what := r.method + " " + r.path + " of " + string(whose)
					switch {
					case refused != 0:
						require.Equal(t, refused, got.status, "%s: %s", what, got.body)
					case r.is(http.MethodPost, "/v1/uploads"):
						require.Equal(t, http.StatusAccepted, got.status, what)
					case r.is(http.MethodPost, "/v1/songs"):
						require.Equal(t, http.StatusOK, got.status, what)
					case r.path == "/v1/events": // there is no feed; TestTenantFollowsItsUploadsOverReconnections has one
						require.Equal(t, http.StatusServiceUnavailable, got.status, what)
					case slices.Contains(operated, r.path):
						require.Equal(t, http.StatusServiceUnavailable, got.status, what)
					case r.path == "/v1/dead-letters/counts":
						require.EqualValues(t, len(of.sees), into[resource.DeadLetterCounts](t, got, http.StatusOK).Total, what)
					case r.path == "/v1/audit": // nothing was done; TestAuditOfEveryTenantNeedsPermission has acts
						require.Equal(t, http.StatusOK, got.status, what)
					case r.path == "/v1/uploads":
						require.ElementsMatch(t, of.sees, filesOf(t, got), what)
					case r.path == "/v1/songs":
						require.ElementsMatch(t, of.sees, titlesOf(t, got), what)
					case r.path == "/v1/dead-letters":
						require.ElementsMatch(t, of.sees, tenantsOf(t, got), what)
					case !slices.Contains(of.sees, whose):
						problem(t, got, http.StatusNotFound, "not-found")
					default:
						require.NotEqual(t, "urn:orak:problem:not-found", problemType(got), "%s: %s", what, got.body)
					}
				}
			}
			erasing := func(r route) bool { return r.is(http.MethodDelete, "/v1/uploads/:id") }
			for _, r := range slices.DeleteFunc(routes(), erasing) {
				check(r)
			}
			for whose, p := range uploads {
				decided := into[resource.Upload](t, b.get("/v1/uploads/"+string(p.Upload.ID), tenant(whose)), http.StatusOK).Status != orak.StatusDeadLettered
				may := slices.Contains(of.sees, whose) && of.operatorRefused == 0
				require.Equal(t, may, decided, "%s was decided on", whose)
			}
			check(routes()[slices.IndexFunc(routes(), erasing)]) // after it, nothing is visible
		})
	}
}

// indexOwned puts the uploads, and a song with the id of each, into an index. File
// names and titles are the tenants.
func indexOwned(t *testing.T, store *sqlite.Store, uploads map[orak.Tenant]orak.Progress) {
	t.Helper()
	var rows []index.Upload
	for whose, p := range uploads {
		u := index.FromOutcome(p, nil)
		u.Filename, u.SHA256 = string(whose), strings.Repeat("0", 64)
		rows = append(rows, u)
		song := songs.Song{ID: songs.ID(p.Upload.ID), Title: string(whose), LowNote: 60, HighNote: 72}
		require.NoError(t, store.PutSongs(t.Context(), whose, []songs.Song{song}))
	}
	(&offsets{store: store}).apply(t, rows...)
}

// filesOf returns the file names in a list of uploads.
func filesOf(t *testing.T, r reply) (all []orak.Tenant) {
	t.Helper()
	for _, u := range into[resource.UploadPage](t, r, http.StatusOK).Uploads {
		all = append(all, orak.Tenant(u.Filename))
	}
	return all
}

// titlesOf returns the titles in a list of songs, without those that are shipped.
func titlesOf(t *testing.T, r reply) (all []orak.Tenant) {
	t.Helper()
	for _, s := range into[resource.SongPage](t, r, http.StatusOK).Songs {
		if !s.Shipped {
			all = append(all, orak.Tenant(s.Title))
		}
	}
	return all
}

// tenantsOf returns the tenants in a list of dead letters.
func tenantsOf(t *testing.T, r reply) (all []orak.Tenant) {
	t.Helper()
	for _, d := range into[resource.DeadLetterPage](t, r, http.StatusOK).DeadLetters {
		all = append(all, d.Tenant)
	}
	return all
}

// problemType is "" for an answer that is not a problem.
func problemType(r reply) string {
	var p resource.Problem
	if r.status < 400 || json.Unmarshal(r.body, &p) != nil {
		return ""
	}
	return p.Type
}

func TestIdempotencyKeyGivenTwiceIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	req := b.request(http.MethodPost, "/v1/uploads", strings.NewReader(string(wav(2000))))
	req.Header.Add("Idempotency-Key", "one")
	req.Header.Add("Idempotency-Key", "two")
	p := problem(t, b.do(req), http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "Idempotency-Key may be given only once")
	require.Empty(t, b.keys())
}
