package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAudioIsSavedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "take 1.wav")
	got := orakRun(t.Context(), w.URL, "audio", testID, "-o", path)
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "take 1.wav  9 bytes in ")
	require.Contains(t, got.err, "receiving 9 bytes")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "converted", string(text))

	got = orakRun(t.Context(), w.URL, "audio", testID, "-o", path, "--original")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "replace it with --force")

	w.cutAudio = true
	got = orakRun(t.Context(), w.URL, "audio", testID, "-o", path, "--force")
	require.Equal(t, exitUnreachable, got.code, got.err)
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "converted", string(text), "a download that breaks replaces nothing")
	w.cutAudio = false

	got = orakRun(t.Context(), w.URL, "audio", testID, "-o", path, "--original", "--force", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	require.Empty(t, got.err)
	var s saved
	require.NoError(t, json.Unmarshal([]byte(got.out), &s))
	require.Equal(t, saved{ID: testID, File: path, MediaType: "audio/mp4", Size: 8, SHA256: "0682c5f2076f099c34cfdd15a9e063849ed437a49677e6fcc5b4198c76575be5"}, s)

	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)

	got = orakRun(t.Context(), w.URL, "audio", testID, "-o", dir, "--force")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "not a regular file")
}

func TestAudioIsWrittenToStandardOutput(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	got := orakRun(t.Context(), w.URL, "audio", testID, "-o", "-")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, "converted", got.out)
	require.Equal(t, exitUsage, orakRun(t.Context(), w.URL, "audio", testID, "-o", "-", "--json").code)
}

func TestAudioThatIsNotReadyPointsToTheStatus(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["GET /v1/uploads/"+testID+"/audio"] = problemOf(http.StatusConflict, "The recording is not converted yet")
	got := orakRun(t.Context(), w.URL, "audio", testID, "-o", "-")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "is not converted yet (409)")
	require.Contains(t, got.err, "orak status "+testID)
}

// The default name comes from the id and the media type, never from the server's text.
func TestAudioIsNamedByItsMediaType(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]string{"audio/wav": ".wav", "audio/mp4": ".m4a", "audio/../../x": ".bin", "text/html": ".bin", "": ".bin"} {
		require.Equal(t, want, extension(media), media)
	}
	require.False(t, strings.ContainsRune(extension("audio/a/b"), '/'))
}
