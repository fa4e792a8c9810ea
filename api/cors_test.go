package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

func TestPageOfAPermittedOriginMayCall(t *testing.T) {
	t.Parallel()
	const app, other = "https://app.example.org", "https://app.example.com"
	b := setupTemporal(t, func(b *bundle) { b.cfg.Origins = []string{app} })
	p := progress(orak.DefaultTenant, orak.StatusCompleted)
	b.outcome(p)

	preflight := func(origin string) reply {
		return b.do(b.request(http.MethodOptions, self(p), nil, header{"Origin", origin},
			header{"Access-Control-Request-Method", "PATCH"}, header{"Access-Control-Request-Headers", "authorization,upload-offset"}))
	}
	r := preflight(app)
	require.Equal(t, http.StatusNoContent, r.status)
	require.Equal(t, app, r.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "7200", r.header.Get("Access-Control-Max-Age"))
	for _, name := range []string{"Authorization", "Idempotency-Key", "Last-Event-ID", "Upload-Offset", "Tus-Resumable", "Content-Digest", "If-None-Match"} {
		require.Contains(t, r.header.Get("Access-Control-Allow-Headers"), name)
	}
	require.Contains(t, r.header.Get("Access-Control-Allow-Methods"), "PATCH")
	require.Empty(t, r.header.Get("Access-Control-Allow-Credentials"))
	require.Empty(t, preflight(other).header.Get("Access-Control-Allow-Origin"))

	for path, status := range map[string]int{self(p): http.StatusOK, self(p) + "x": http.StatusNotFound} {
		r = b.get(path, header{"Origin", app})
		require.Equal(t, status, r.status)
		require.Equal(t, app, r.header.Get("Access-Control-Allow-Origin"), "problems can be read, too")
		require.Contains(t, r.header.Get("Access-Control-Expose-Headers"), "Retry-After")
		require.Contains(t, r.header.Values("Vary")[0], "Origin")
		require.Empty(t, b.get(path, header{"Origin", other}).header.Get("Access-Control-Allow-Origin"))
	}
}

func TestAnswersPermitNoOriginByDefault(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	r := b.do(b.request(http.MethodOptions, "/v1/uploads", nil, header{"Origin", "https://app.example.org"}, header{"Access-Control-Request-Method", "POST"}))
	require.Equal(t, http.StatusMethodNotAllowed, r.status)
	require.Empty(t, r.header.Get("Access-Control-Allow-Origin"))
}

func TestMalformedOriginsAreRefused(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"*", "app.example.org", "https://", "https://app.example.org/", "https://*.example.org", "null", "file:///x", "https://a@b"} {
		cfg := config()
		cfg.Origins = []string{origin}
		require.Error(t, cfg.Validate(), origin)
	}
	cfg := config()
	cfg.Origins = []string{"https://app.example.org", "http://localhost:5173"}
	require.NoError(t, cfg.Validate())
}
