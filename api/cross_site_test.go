package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerOnLoopbackAnswersOnlyToItsOwnNames(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.Hosts = []string{"voices.example"} })
	for host, want := range map[string]int{
		"localhost": http.StatusNotFound, "LOCALHOST:8080": http.StatusNotFound, "127.0.0.1:1": http.StatusNotFound, "[::1]:80": http.StatusNotFound,
		"voices.example": http.StatusNotFound, "attacker.example": http.StatusMisdirectedRequest, "127.0.0.1.attacker.example": http.StatusMisdirectedRequest,
		"localhost.": http.StatusMisdirectedRequest,
	} {
		c := b.dial(t)
		c.send(fmt.Sprintf("GET /v1/uploads/%s HTTP/1.1\r\nHost: %s\r\n\r\n", someID, host))
		status := c.answer().status
		if want == http.StatusNotFound {
			require.NotEqual(t, http.StatusMisdirectedRequest, status, host)
			continue
		}
		require.Equal(t, want, status, host)
	}
	c := b.dial(t)
	c.send("GET /livez HTTP/1.1\r\nHost: 10.0.0.7\r\n\r\n")
	require.Equal(t, http.StatusOK, c.answer().status, "probes use the address")
}

func TestPageOfAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.Origins = []string{"https://app.example"} })
	content := wav(20_000)
	upload := func(headers string) int {
		c := b.dial(t)
		c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost:8080\r\n%sContent-Length: %d\r\n\r\n%s", headers, len(content), content))
		return c.answer().status
	}
	require.Equal(t, http.StatusAccepted, upload(""), "an app sends no origin")
	require.Equal(t, http.StatusAccepted, upload("Origin: http://localhost:8080\r\nSec-Fetch-Site: same-origin\r\n"))
	require.Equal(t, http.StatusAccepted, upload("Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n"))
	for _, foreign := range []string{"Origin: https://attacker.example\r\n", "Origin: null\r\n", "Origin: http://localhost:9999\r\n", "Sec-Fetch-Site: cross-site\r\n"} {
		require.Equal(t, http.StatusForbidden, upload(foreign), foreign)
	}
	c := b.dial(t)
	c.send("DELETE /v1/uploads/" + someID + " HTTP/1.1\r\nHost: localhost\r\nOrigin: https://attacker.example\r\n\r\n")
	require.Equal(t, http.StatusForbidden, c.answer().status)
}

// A form of a foreign page can send text but not JSON.
func TestDecisionsAreAcceptedOnlyAsJSON(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for kind, want := range map[string]int{
		"text/plain": http.StatusUnsupportedMediaType, "": http.StatusUnsupportedMediaType, "application/x-www-form-urlencoded": http.StatusUnsupportedMediaType,
		"application/jsonp": http.StatusUnsupportedMediaType,
	} {
		for _, decision := range []string{"reprocess", "discard"} {
			const text = `{"by":"me","reason":"why"}`
			c := b.dial(t)
			c.send(fmt.Sprintf("POST /v1/dead-letters/%s/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", someID, decision, kind, len(text), text))
			require.Equal(t, want, c.answer().status, kind)
		}
	}
}

// A proxy that names itself or the server in Host hides from the server which page sent
// the request.
func TestProxyMustPassTheHostUnchanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at, err := url.Parse(b.url(""))
	require.NoError(t, err)
	send := func(rewrite func(*httputil.ProxyRequest)) int {
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(at) // which sets the server's own name as Host
			rewrite(r)
		}})
		defer proxy.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxy.URL+"/v1/uploads", bytes.NewReader(wav(2000)))
		require.NoError(t, err)
		req.Header.Set("Origin", proxy.URL) // as the browser at a page of the proxy sends it
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, http.StatusAccepted, send(func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }))
	require.Equal(t, http.StatusForbidden, send(func(*httputil.ProxyRequest) {}), "the server's own address")
	require.Equal(t, http.StatusForbidden, send(func(r *httputil.ProxyRequest) { r.Out.Host = "localhost" }), "the name without its port")
	require.Equal(t, http.StatusMisdirectedRequest, send(func(r *httputil.ProxyRequest) { r.Out.Host = "api.internal:8080" }))
}
