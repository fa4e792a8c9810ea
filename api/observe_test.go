package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
)

func TestPanicIsAProblemAndItsStackIsLogged(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.deps.Media.Sniff = func([]byte) (string, bool) { panic("a broken invariant") }
	})
	p := problem(t, b.upload(wav(100)), http.StatusInternalServerError, "internal")
	require.NotContains(t, p.Detail, "invariant")
	b.eventually(func() bool {
		log := b.log.String()
		return strings.Contains(log, "a broken invariant") && strings.Contains(log, "observe_test.go") && strings.Contains(log, p.Instance)
	}, "the panic is logged")
	require.Equal(t, http.StatusOK, b.get("/livez").status)
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	problem(t, b.get("/nowhere"), http.StatusNotFound, "not-found")
	problem(t, b.get("/V1/uploads/x"), http.StatusNotFound, "not-found")
	r := b.do(b.request(http.MethodDelete, "/v1/uploads", nil))
	problem(t, r, http.StatusMethodNotAllowed, "method-not-allowed")
	require.Contains(t, r.header.Get("Allow"), http.MethodPost)
}

func TestRequestIDOfTheCallerIsKeptIfSafe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, "abc-1.2_3", b.get("/livez", header{"X-Request-Id", "abc-1.2_3"}).header.Get("X-Request-Id"))
	for _, bad := range []string{"a b", "<x>", strings.Repeat("x", 129)} {
		given := b.get("/livez", header{"X-Request-Id", bad}).header.Get("X-Request-Id")
		require.NotEmpty(t, given)
		require.NotEqual(t, bad, given)
	}
	problem(t, b.get("/nowhere", header{"X-Request-Id", "mine"}), http.StatusNotFound, "not-found")
}

func TestServerServesHealthButNotMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, "alive\n", string(b.get("/livez").body))
	require.Equal(t, http.StatusServiceUnavailable, b.get("/readyz").status)
	into[resource.Accepted](t, b.upload(wav(100)), http.StatusAccepted)
	b.get("/v1/uploads/" + someID)
	b.get("/v1/uploads/nothing-that-is-an-id")
	b.get("/nowhere/" + someID)
	problem(t, b.get("/metrics"), http.StatusNotFound, "not-found")
	text := b.gathered()
	require.Contains(t, text, `orak_api_requests_total{method="POST",route="/v1/uploads",status="202"} 1`)
	require.Contains(t, text, `orak_api_requests_total{method="GET",route="/v1/uploads/:id",status="503"} 1`)
	require.Contains(t, text, `route="none"`)
	require.Contains(t, text, `orak_api_uploads_total{outcome="accepted"} 1`)
	require.Contains(t, text, `orak_outbox_pending`)
	require.NotContains(t, text, someID)
}
