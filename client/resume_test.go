package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server may take a request in order and yet store only some of its bytes.
func TestSendResumableEndsOnlyOnceAllBytesAreStored(t *testing.T) {
	content := []byte("0123456789")
	stored := []byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusCreated
		if r.Method == http.MethodPatch {
			status = http.StatusNoContent
			sent, _ := io.ReadAll(r.Body)
			stored = append(stored, sent[:min(len(sent), 4)]...)
		}
		w.Header().Set("Location", "tus/01993e6e-1f0b-7c3a-9a55-0d3c5c1f2a10")
		w.Header().Set("Upload-Offset", strconv.Itoa(len(stored)))
		w.WriteHeader(status)
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "take.wav")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	cl, err := New(Config{Server: server.URL})
	require.NoError(t, err)
	_, err = cl.SendResumable(t.Context(), Sending{Path: path})
	require.NoError(t, err)
	require.Equal(t, content, stored)
}
