package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
	"orak/internal/media/mediatest"
)

// TestFirstUploadHasSongs sends a recording to a service without any song of its own.
func TestFirstUploadHasSongs(t *testing.T) {
	t.Parallel()
	a := startShared(t)
	path := filepath.Join(t.TempDir(), "scale.wav")
	require.NoError(t, os.WriteFile(path, mediatest.WAV(16000, 1, mediatest.Tune(16000)), 0o600))
	u := a.upload(t, path)
	require.Equal(t, "completed", string(a.awaitEnd(t, u.ID).Status))
	completed := time.Now()
	found := a.songsFor(t, u)
	t.Logf("songs %v after the upload was completed", time.Since(completed).Round(time.Millisecond))
	require.NotEmpty(t, found.Songs, found.Refusal)
	require.True(t, found.Songs[0].Shipped)
	require.NotEmpty(t, found.Songs[0].Reason)

	var page resource.UploadPage
	require.NoError(t, a.get(t.Context(), "/v1/uploads?status=completed&text=scale", &page))
	require.Len(t, page.Uploads, 1)
	require.Equal(t, u.ID, page.Uploads[0].ID)
}

// songsFor asks for songs until the index has the upload.
func (a *app) songsFor(t *testing.T, u resource.Accepted) (found resource.FittingSongs) {
	t.Helper()
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.API+u.Links.Self+"/songs", nil)
		require.NoError(t, err)
		resp, err := a.client.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusConflict {
			return false
		}
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&found))
		return true
	}, patience, 50*time.Millisecond)
	return found
}
