package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tusServer keeps the upload of the first Idempotency-Key. Its first PATCH stores stop bytes
// and then calls stopped.
type tusServer struct {
	*httptest.Server
	mu      sync.Mutex
	key     string
	offset  int64
	patches []int64
	stop    int64
	stopped func()
}

func newTusServer(t *testing.T, stop int64, stopped func()) *tusServer {
	t.Helper()
	s := &tusServer{stop: stop, stopped: stopped}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/tus", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Location", "tus/"+testID)
		offset := int64(0)
		if s.key == "" {
			s.key = r.Header.Get("Idempotency-Key")
		}
		if s.key == r.Header.Get("Idempotency-Key") {
			offset = s.offset
		}
		w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("PATCH /v1/tus/"+testID, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		from, _ := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
		s.patches = append(s.patches, from)
		if len(s.patches) == 1 {
			_, _ = io.CopyN(io.Discard, r.Body, s.stop)
			s.offset = s.stop
			s.stopped()
			panic(http.ErrAbortHandler)
		}
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("Upload-Offset", strconv.FormatInt(from+n, 10))
		w.WriteHeader(http.StatusNoContent)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestUploadOfALargeFileGoesOnWhenItIsGivenAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "long take.wav")
	require.NoError(t, os.WriteFile(path, make([]byte, resumableFrom+1000), 0o600))
	cache := filepath.Join(dir, "cache")
	ctx, interrupt := context.WithCancel(t.Context())
	s := newTusServer(t, 3<<20, interrupt)
	environ := []string{"COLUMNS=80", "LANG=C.UTF-8", "ORAK_SERVER=" + s.URL, "XDG_CACHE_HOME=" + cache}

	first := orakRunEnv(ctx, environ, "upload", path)
	require.NotEqual(t, exitOK, first.code)
	require.Contains(t, first.err, "Interrupted. To go on with long take.wav:")
	kept, err := filepath.Glob(filepath.Join(cache, "orak", "uploads", "*"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	info, err := os.Stat(kept[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	require.NotContains(t, string(text), "take")

	second := orakRunEnv(t.Context(), environ, "upload", path)
	require.Equal(t, exitOK, second.code, second.err)
	require.Equal(t, fmt.Sprintf("%s  long take.wav\n", testID), second.out)
	require.Contains(t, second.err, "going on with an earlier upload of long take.wav")
	require.Equal(t, []int64{0, 3 << 20}, s.patches)
	require.NoFileExists(t, kept[0], "the next command begins another upload")
}
