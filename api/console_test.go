package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"orak/web"
)

// html is what a browser sends when a person opens an address.
var html = header{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

var nonceOf = regexp.MustCompile(`style-src 'self' 'nonce-([A-Z2-7]{26})'`)

func TestConsoleIsServedWhereNoRouteIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nonces := map[string]bool{}
	for _, path := range []string{"/", "/login", "/uploads", "/uploads/" + someID, "/dead-letters?stage=convert", "/a/b/c", "/v2"} {
		r := b.get(path, html)
		require.Equal(t, http.StatusOK, r.status, path)
		require.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
		require.Equal(t, "no-cache", r.header.Get("Cache-Control"))
		require.Equal(t, "nosniff", r.header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-referrer", r.header.Get("Referrer-Policy"))
		require.Equal(t, "same-origin", r.header.Get("Cross-Origin-Opener-Policy"))
		require.Contains(t, r.header.Get("Permissions-Policy"), "microphone=(self)")
		policy := r.header.Get("Content-Security-Policy")
		nonce := nonceOf.FindStringSubmatch(policy)
		require.NotNil(t, nonce, policy)
		nonces[nonce[1]] = true
		require.Contains(t, string(r.body), `nonce="`+nonce[1]+`"`)
		require.NotContains(t, string(r.body), "__NONCE__")
		require.NotContains(t, policy, "unsafe")
		require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce[1]+"'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "+
			"font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", policy)
	}
	require.Len(t, nonces, 7, "each answer has its own")
	require.Equal(t, http.StatusOK, b.get("/").status, "a tool need not say that it wants HTML")
	head := b.do(b.request(http.MethodHead, "/login", nil, html))
	require.Equal(t, http.StatusOK, head.status)
	require.Empty(t, head.body)
}

func TestConsoleHidesNothingThatIsMissing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/v1", "/v1/", "/v1/nothing", "/v1/session/x", "/docs/x", "/assets", "/assets/", "/assets/main-gone.js", "/assets/../index.html", "/metrics", "/debug/pprof/"} {
		problem(t, b.get(path, html), http.StatusNotFound, "not-found")
	}
	for _, accept := range []string{"application/json", "*/*", "image/png", ""} {
		problem(t, b.get("/uploads", header{"Accept", accept}), http.StatusNotFound, "not-found")
	}
	problem(t, b.get("/index.html", header{"Accept", "*/*"}), http.StatusNotFound, "not-found")
	problem(t, b.do(b.request(http.MethodPost, "/login", strings.NewReader("x"), html)), http.StatusNotFound, "not-found")
	problem(t, b.get("/v1/upload-tokens", html), http.StatusMethodNotAllowed, "method-not-allowed")
	require.Contains(t, string(b.get("/livez", html).body), "alive")
	require.Contains(t, string(b.get("/docs", html).body), "createUpload")
}

func TestConsoleAssetsAreKeptForAYear(t *testing.T) {
	t.Parallel()
	const script = "assets/main-1a2b.js"
	text := strings.Repeat("export const a = 1\n", 1000)
	pages, err := web.Load(fstest.MapFS{"index.html": {Data: []byte(`<meta nonce="__NONCE__">`)}, script: {Data: []byte(text)}, "icon.svg": {Data: []byte("<svg/>")}})
	require.NoError(t, err)
	b := setup(t, func(b *bundle) { b.deps.Console = pages })

	plain := b.get("/"+script, header{"Accept-Encoding", "identity"})
	require.Equal(t, http.StatusOK, plain.status)
	require.Equal(t, text, string(plain.body))
	require.Equal(t, "public, max-age=31536000, immutable", plain.header.Get("Cache-Control"))
	require.Equal(t, "text/javascript; charset=utf-8", plain.header.Get("Content-Type"))
	require.Equal(t, "nosniff", plain.header.Get("X-Content-Type-Options"))
	require.Equal(t, "Accept-Encoding", plain.header.Get("Vary"))
	zipped := b.get("/"+script, header{"Accept-Encoding", "gzip"})
	require.Equal(t, "gzip", zipped.header.Get("Content-Encoding"))
	require.Less(t, len(zipped.body), len(text)/10)
	require.Equal(t, text, string(decompressed(t, zipped.body)))
	for _, etag := range []string{plain.header.Get("ETag"), zipped.header.Get("ETag")} {
		again := b.get("/"+script, header{"If-None-Match", etag})
		require.Equal(t, http.StatusNotModified, again.status)
		require.Equal(t, "public, max-age=31536000, immutable", again.header.Get("Cache-Control"))
		require.Empty(t, again.body)
	}
	icon := b.get("/icon.svg")
	require.Equal(t, "image/svg+xml", icon.header.Get("Content-Type"))
	require.Equal(t, "no-cache", icon.header.Get("Cache-Control"))
	problem(t, b.get("/assets/main-0000.js", html), http.StatusNotFound, "not-found")
}

func TestConsoleCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.Console = false })
	for _, path := range []string{"/", "/login", "/uploads"} {
		problem(t, b.get(path, html), http.StatusNotFound, "not-found")
	}
}

// Every file of the console that is built today is served as it is.
func TestEveryFileOfTheConsoleIsServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pages := b.deps.Console
	for _, name := range pages.Names() {
		r := b.get("/"+name, header{"Accept-Encoding", "identity"})
		require.Equal(t, http.StatusOK, r.status, name)
		f, _ := pages.File(name)
		require.Equal(t, f.Content, r.body, name)
	}
}
