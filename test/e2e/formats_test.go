package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/api/resource"
	"orak/internal/media/mediatest"
	"orak/workflows"
)

// TestUploads tests everything that callers do, on one running service.
func TestUploads(t *testing.T) {
	t.Parallel()
	a := startShared(t)
	t.Run("every format is analyzed", func(t *testing.T) { t.Parallel(); everyFormat(t, a) })
	t.Run("hostile and broken files get their outcome", func(t *testing.T) { t.Parallel(); hostile(t, a) })
	t.Run("files that are no recordings are refused", func(t *testing.T) { t.Parallel(); refused(t, a) })
	t.Run("a truncated file is analyzed to its end", func(t *testing.T) { t.Parallel(); truncated(t, a) })
	t.Run("the Web UI filters by status", func(t *testing.T) { t.Parallel(); webUI(t, a) })
}

func everyFormat(t *testing.T, a *app) {
	samples := mediatest.Generate(t, t.TempDir())
	tune := mediatest.Tune(16000)
	accepted := map[orak.UploadID]mediatest.Sample{}
	ids := map[orak.UploadID]bool{}
	for _, s := range samples {
		id := a.upload(t, s.Path).ID
		accepted[id], ids[id] = s, true
	}
	for id, s := range accepted {
		u := a.awaitEnd(t, id)
		require.Equal(t, orak.StatusCompleted, u.Status, "%s: %+v", s.Name, u.Failure)
		var analysis orak.Analysis
		require.NoError(t, a.get(t.Context(), u.Links.Analysis, &analysis), s.Name)
		require.Equal(t, s.Codec, analysis.Audio.Codec, s.Name)
		require.InDelta(t, float64(len(tune))/16000, analysis.Audio.DurationS, 0.2, s.Name)
		require.Empty(t, analysis.Audio.Damage, s.Name)
		require.Greater(t, analysis.Pitch.VoicedRatio, 0.5, s.Name)
		require.NotEmpty(t, analysis.Pitch.LowNote, s.Name)
		require.NotEmpty(t, analysis.Embedding.Values, s.Name)
	}
	requireBriefHistories(t, a, ids)
	for id, eventIDs := range a.completions(t, ids) {
		require.Len(t, eventIDs, 1, "completed events of %s", accepted[id].Name)
	}
}

// maxHistoryEvents and maxHistoryBytes bound what a completed upload costs Temporal.
const (
	maxHistoryEvents = 26
	maxHistoryBytes  = 8 << 10
)

func requireBriefHistories(t *testing.T, a *app, ids map[orak.UploadID]bool) {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: a.Temporal})
	require.NoError(t, err)
	defer c.Close()
	for id := range ids {
		d, err := workflows.Describe(t.Context(), c, workflows.UploadWorkflowID(id))
		require.NoError(t, err)
		info := d.GetWorkflowExecutionInfo()
		require.LessOrEqual(t, info.GetHistoryLength(), int64(maxHistoryEvents), id)
		require.LessOrEqual(t, info.GetHistorySizeBytes(), int64(maxHistoryBytes), id)
	}
}

func hostile(t *testing.T, a *app) {
	for _, s := range mediatest.Hostile(t, t.TempDir()) {
		body, err := os.ReadFile(s.Path)
		require.NoError(t, err)
		status, answer, err := a.send(t.Context(), sending{body: body, contentType: "audio/wav", filename: s.Name})
		require.NoError(t, err, s.Name)
		require.NotContains(t, string(answer), mediatest.Secret, s.Name)
		if s.Format == "" {
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnsupportedMediaType}, status, "%s: %s", s.Name, answer)
			continue
		}
		require.Equal(t, http.StatusAccepted, status, "%s: %s", s.Name, answer)
		var accepted resource.Accepted
		require.NoError(t, json.Unmarshal(answer, &accepted))
		u := a.awaitEnd(t, accepted.ID)
		if !s.Refused {
			require.Equal(t, orak.StatusCompleted, u.Status, "%s: %+v", s.Name, u.Failure)
			continue
		}
		require.Equal(t, orak.StatusDeadLettered, u.Status, s.Name)
		require.Equal(t, orak.ClassInput, u.Failure.Class, "%s: %s", s.Name, u.Failure.Message)
		letter := a.deadLetter(t, accepted.ID)
		require.Equal(t, orak.StageConvert, letter.Failure.Stage, s.Name)
		require.Equal(t, orak.ClassInput, letter.Failure.Class, s.Name)
	}
}

func refused(t *testing.T, a *app) {
	for name, c := range map[string]struct {
		body    []byte
		status  int
		problem string
	}{
		"text named .m4a":            {[]byte("This is no recording; it is a letter."), 415, "urn:orak:problem:unsupported-media"},
		"empty":                      {nil, 400, "urn:orak:problem:empty-body"},
		"101 MB":                     {bytes.Repeat([]byte{0}, 101<<20), 413, "urn:orak:problem:too-large"},
		"a playlist of a local file": {[]byte("#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"), 415, "urn:orak:problem:unsupported-media"},
	} {
		resp, err := a.client.Post(a.API+"/v1/uploads", "audio/mp4", bytes.NewReader(c.body))
		require.NoError(t, err, name)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err, name)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, c.status, resp.StatusCode, "%s: %s", name, answer)
		require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), name)
		var problem resource.Problem
		require.NoError(t, json.Unmarshal(answer, &problem), name)
		require.Equal(t, c.problem, problem.Type, name)
		require.NotEmpty(t, problem.Detail, name)
	}
}

func truncated(t *testing.T, a *app) {
	dir := t.TempDir()
	for _, s := range mediatest.Generate(t, dir) {
		cut := mediatest.Truncate(t, s, dir, 0.6)
		u := a.awaitEnd(t, a.upload(t, cut.Path).ID)
		if s.IndexLast {
			require.Equal(t, orak.StatusDeadLettered, u.Status, cut.Name)
			require.Equal(t, orak.ClassInput, u.Failure.Class, cut.Name)
			continue
		}
		require.Equal(t, orak.StatusCompleted, u.Status, "%s: %+v", cut.Name, u.Failure)
		var analysis orak.Analysis
		require.NoError(t, a.get(t.Context(), u.Links.Analysis, &analysis), cut.Name)
		if !s.Streamed {
			require.Equal(t, []orak.Damage{orak.DamageTruncated}, analysis.Audio.Damage, cut.Name)
		}
	}
}

func webUI(t *testing.T, a *app) {
	id := a.upload(t, mediatest.One(t, t.TempDir(), "tune.webm").Path).ID
	require.Equal(t, orak.StatusCompleted, a.awaitEnd(t, id).Status)
	query := url.Values{"query": {`OrakStatus="completed" AND WorkflowId="upload-` + string(id) + `"`}}
	require.Eventually(t, func() bool {
		resp, err := http.Get(a.TemporalUI + "/api/v1/namespaces/default/workflows?" + query.Encode())
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var list struct {
			Executions []struct {
				Execution struct{ WorkflowID string }
			}
		}
		return json.NewDecoder(resp.Body).Decode(&list) == nil && len(list.Executions) == 1
	}, patience, 200*time.Millisecond)
	page, err := http.Get(a.TemporalUI + "/")
	require.NoError(t, err)
	defer page.Body.Close()
	require.Equal(t, http.StatusOK, page.StatusCode)
}

// tuneFile is the path of a recording, for tests that need only one.
func tuneFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tune.wav")
	require.NoError(t, os.WriteFile(path, mediatest.WAV(16000, 1, mediatest.Tune(16000)), 0o600))
	return path
}
