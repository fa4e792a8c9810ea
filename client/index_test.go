package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

const someID orak.UploadID = "0192f1c5-7a1e-7c3a-9d5e-0123456789ab"

// serving returns a client of a server that answers with handle, and records the waits
// in place of waiting.
func serving(t *testing.T, handle http.HandlerFunc) (*Client, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	c, err := New(Config{Server: server.URL})
	require.NoError(t, err)
	var waits []time.Duration
	c.pause = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	return c, &waits
}

func TestSongsForWaitsUntilTheUploadIsIndexed(t *testing.T) {
	t.Parallel()
	asked := 0
	c, waits := serving(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/v1/uploads/"+string(someID)+"/songs?limit=3", r.URL.String())
		if asked++; asked < 3 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(resource.Problem{Type: resource.ProblemNotIndexed})
			return
		}
		_ = json.NewEncoder(w).Encode(resource.FittingSongs{ID: someID, Ranked: 42})
	})
	_, err := c.SongsFor(t.Context(), someID, 3, 0)
	require.Error(t, err, "without patience")
	require.Empty(t, *waits)

	found, err := c.SongsFor(t.Context(), someID, 3, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, 42, found.Ranked)
	require.Equal(t, []time.Duration{time.Second}, *waits)
}

func TestUploadQueryIsSent(t *testing.T) {
	t.Parallel()
	var query string
	c, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		_ = json.NewEncoder(w).Encode(resource.UploadPage{Next: "n"})
	})
	page, err := c.Uploads(t.Context(), UploadQuery{
		Statuses: []orak.Status{orak.StatusQueued, orak.StatusCompleted}, Owner: "o", Kind: "song", From: time.Unix(0, 0), Key: "F# minor",
		TempoMin: 90.5, DurationMax: 60, Low: "C3", High: "G4", Text: "노래", Page: 500,
	}, "t")
	require.NoError(t, err)
	require.Equal(t, "n", page.Next)
	require.Equal(t, "duration_max=60&from=1970-01-01T00%3A00%3A00Z&high=G4&key=F%23+minor&kind=song&low=C3&owner=o&page_size=200&page_token=t"+
		"&status=queued&status=completed&tempo_min=90.5&text=%EB%85%B8%EB%9E%98", query)
}

func TestImportSendsTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "songs.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,title\n"), 0o600))
	c, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "text/csv", r.Header.Get("Content-Type"))
		require.EqualValues(t, 9, r.ContentLength)
		_ = json.NewEncoder(w).Encode(resource.ImportedSongs{Imported: 7})
	})
	sent := make(chan int64, 10)
	imported, err := c.ImportSongs(t.Context(), SongFile{Path: path, MediaType: "text/csv", Progress: func(n, _ int64) { sent <- n }})
	require.NoError(t, err)
	require.Equal(t, 7, imported.Imported)
	require.EqualValues(t, 9, <-sent)
}
