package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"orak/web"
)

func TestEmbeddedPageIsWhole(t *testing.T) {
	t.Parallel()
	p, err := web.Embedded()
	require.NoError(t, err)
	page := string(p.Index("n0nce"))
	require.Contains(t, page, `nonce="n0nce"`)
	require.NotContains(t, page, "__NONCE__")
	for _, link := range regexp.MustCompile(`(?:src|href)="(/[^"]*)"`).FindAllStringSubmatch(page, -1) {
		if link[1] == "/" || link[1] == "/docs" {
			continue
		}
		_, ok := p.File(strings.TrimPrefix(link[1], "/"))
		require.True(t, ok, "the page needs %s", link[1])
	}
	// The policy permits neither.
	require.NotRegexp(t, `<script(?:\s[^>]*)?>[^<]`, page)
	require.NotRegexp(t, `<style|\sstyle="|\son[a-z]+="`, page)
}

func TestFilesAreFoundByTheirExactName(t *testing.T) {
	t.Parallel()
	script := strings.Repeat("export const a = 1\n", 100)
	p, err := web.Load(fstest.MapFS{
		"index.html": {Data: []byte(`<meta nonce="__NONCE__">`)}, "assets/main-1a2b.js": {Data: []byte(script)},
		"icon.svg": {Data: []byte("<svg/>")}, "assets/x.unknown": {Data: []byte("x")},
	})
	require.NoError(t, err)
	f, ok := p.File("assets/main-1a2b.js")
	require.True(t, ok)
	require.Equal(t, "text/javascript; charset=utf-8", f.MediaType)
	require.True(t, f.Immutable)
	require.Equal(t, script, string(f.Content))
	require.Less(t, len(f.Gzip()), len(script))
	z, err := gzip.NewReader(bytes.NewReader(f.Gzip()))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, script, string(text))

	icon, ok := p.File("icon.svg")
	require.True(t, ok)
	require.False(t, icon.Immutable, "another icon will have the same name")
	require.Nil(t, icon.Gzip(), "it would only grow")
	require.NotEqual(t, f.ETag, icon.ETag)
	other, ok := p.File("assets/x.unknown")
	require.True(t, ok)
	require.Equal(t, "application/octet-stream", other.MediaType)
	for _, name := range []string{"", "index.html", "assets", "assets/", "assets/main.js", "/assets/main-1a2b.js", "../web.go", "assets/../icon.svg"} {
		_, ok := p.File(name)
		require.False(t, ok, name)
	}
}

func TestPageWithoutPlaceForTheNonceIsAnError(t *testing.T) {
	t.Parallel()
	_, err := web.Load(fstest.MapFS{"index.html": {Data: []byte("<html>")}})
	require.ErrorContains(t, err, "__NONCE__")
	_, err = web.Load(fstest.MapFS{"main.js": {Data: []byte("x")}})
	require.ErrorContains(t, err, "index.html")
}
