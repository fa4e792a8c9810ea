package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
)

// send sends body with a presigned request, of another length where size differs
// from the body's, and returns the status.
func send(t *testing.T, p objectstore.Presigned, body []byte, change ...func(*http.Request)) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), p.Method, p.URL, bytes.NewReader(body))
	require.NoError(t, err)
	for name, values := range p.Header {
		req.Header[name] = values
	}
	for _, c := range change {
		c(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0 // the server closed the connection before it had the body
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	return resp.StatusCode
}

func testPresignedPut(t *testing.T, s Store) {
	body := content(300_000)
	sum := sha256.Sum256(body)
	for name, digest := range map[string]string{"with": hex.EncodeToString(sum[:]), "without": ""} {
		key := "presigned/" + name
		p, err := s.PresignPut(t.Context(), key, int64(len(body)), digest, time.Minute)
		require.NoError(t, err)
		require.Equal(t, http.MethodPut, p.Method)

		require.NotEqual(t, http.StatusOK, send(t, p, append(body, 'x')), "a larger body")
		require.NotEqual(t, http.StatusOK, send(t, p, body[1:]), "a smaller body")
		require.NotEqual(t, http.StatusOK, send(t, p, body, func(r *http.Request) { r.Header.Del("If-None-Match") }), "without a signed header")
		require.NotEqual(t, http.StatusOK, send(t, p, body, func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, key, "presigned/other", 1)
		}), "another key")
		require.NotEqual(t, http.StatusOK, send(t, p, body, func(r *http.Request) { r.Method = http.MethodGet }), "another method")
		if digest != "" {
			require.NotEqual(t, http.StatusOK, send(t, p, content(300_001)[1:]), "other bytes")
		}
		_, err = s.Stat(t.Context(), key)
		require.ErrorIs(t, err, fs.ErrNotExist)

		require.Equal(t, http.StatusOK, send(t, p, body))
		// A server may refuse it, and close the connection, before it has the body.
		require.Contains(t, []int{http.StatusPreconditionFailed, 0}, send(t, p, body), "a second object")
		info, err := s.Stat(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, int64(len(body)), info.Size)
		require.Equal(t, digest, info.SHA256)
		require.True(t, bytes.Equal(body, get(t, s, key)))
	}
}

func testPresignedExpiry(t *testing.T, s Store) {
	p, err := s.PresignPut(t.Context(), "late", 3, "", time.Second)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return send(t, p, []byte("abc"), nothingStored) == http.StatusForbidden }, 10*time.Second, 100*time.Millisecond)
	_, err = s.Stat(t.Context(), "late")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// nothingStored makes a request one that is refused at any time, but with another
// status while its URL is valid.
func nothingStored(r *http.Request) { r.Header.Set("If-Match", "no such ETag") }

func testCopy(t *testing.T, s Store) {
	meta := map[string]string{"made-at": "2026-01-02T03:04:05Z"}
	for _, n := range sizes() {
		from, to := fmt.Sprintf("copy/from-%d", n), fmt.Sprintf("copy/to-%d", n)
		want := content(n)
		info, err := s.Put(t.Context(), from, bytes.NewReader(want), objectstore.PutOptions{
			Size: int64(n), ContentType: "text/html", Metadata: map[string]string{"old": "yes"},
		})
		require.NoError(t, err)
		opts := objectstore.CopyOptions{Size: int64(n), ETag: info.ETag, ContentType: "audio/wav", Metadata: meta}
		for range 2 { // a repeat replaces
			require.NoError(t, s.Copy(t.Context(), from, to, opts))
		}
		require.True(t, bytes.Equal(want, get(t, s, to)))
		copied, err := s.Stat(t.Context(), to)
		require.NoError(t, err)
		require.Equal(t, "audio/wav", copied.ContentType)
		require.Equal(t, meta, copied.Metadata)
		require.True(t, bytes.Equal(want, get(t, s, from)))
	}
}

func testCopyOfAnotherObject(t *testing.T, s Store) {
	require.ErrorIs(t, s.Copy(t.Context(), "no/such", "to", objectstore.CopyOptions{Size: 1, ETag: "x"}), fs.ErrNotExist)
	put(t, s, "from", "first")
	info, err := s.Stat(t.Context(), "from")
	require.NoError(t, err)
	put(t, s, "from", "other")
	err = s.Copy(t.Context(), "from", "to", objectstore.CopyOptions{Size: 5, ETag: info.ETag})
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = s.Stat(t.Context(), "to")
	require.ErrorIs(t, err, fs.ErrNotExist)
}
