package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
)

func TestSongsImportTellsEveryBadLine(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["POST /v1/songs"] = resource.Problem{
		Status: http.StatusUnprocessableEntity, Title: "The file has bad lines", Detail: "Nothing was imported.",
		Lines: []resource.ImportLine{{Line: 3, Message: "title: missing"}, {Line: 7, Message: "low: not a note: \"\x1b[31m\""}}, MoreLines: 4,
	}
	file := filepath.Join(t.TempDir(), "songs.csv")
	require.NoError(t, os.WriteFile(file, []byte("id,title\n"), 0o600))
	got := orakRun(t.Context(), w.URL, "songs", "import", file)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "Nothing was imported: songs.csv has 6 bad lines.\n  line 3: title: missing\n  line 7: low: not a note: \"�[31m\"\n  and 4 more\n")

	got = orakRun(t.Context(), w.URL, "songs", "import", filepath.Join(t.TempDir(), "songs.txt"))
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "--format csv or --format jsonl")
}

func TestSongsForWaitsOnlyForWhatIsAboutToBeIndexed(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["GET /v1/uploads/"+testID+"/songs"] = resource.Problem{
		Type: resource.ProblemNotIndexed, Status: http.StatusConflict, Title: "The analysis is not in the index yet", Detail: "The upload is analyzing.",
	}
	got := orakRun(t.Context(), w.URL, "songs", "for", testID) // the answer has no Retry-After
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "The analysis is not in the index yet (409)")
	require.Len(t, w.asked, 1)
}

func TestUploadsFlagsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, args := range [][]string{{"--from", "yesterday"}, {"--limit", "0"}, {"--owner", ""}} {
		got := orakRun(t.Context(), w.URL, append([]string{"uploads"}, args...)...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.err)
	}
	require.Empty(t, w.asked)
}
