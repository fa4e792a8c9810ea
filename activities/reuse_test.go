package activities

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
)

// counts is an engine that counts its analyses.
type counts struct {
	engine orak.Engine
	silent error
	ran    *int
}

func (c counts) Identity(context.Context) (orak.Engine, error) { return c.engine, c.silent }

func (c counts) Analyze(_ context.Context, wav io.Reader, _ func(float64)) (orak.Analysis, orak.PitchCurve, error) {
	*c.ran++
	_, err := io.Copy(io.Discard, wav)
	return orak.Analysis{Engine: c.engine, Tempo: orak.Tempo{BPM: 90}}, orak.PitchCurve{HopS: 0.01, F0Hz: []float32{100}, Voicing: []float32{1}}, err
}

const (
	firstID  orak.UploadID = "0190aaaa-0000-7000-8000-000000000001"
	secondID orak.UploadID = "0190aaaa-0000-7000-8000-000000000002"
)

// same returns another upload of the same bytes.
func same(t orak.Tenant, id orak.UploadID) orak.Upload {
	u := accepted()
	u.Tenant, u.ID, u.Key = t, id, orak.OriginalKey(t, id)
	return u
}

// finished returns a bucket in which the first upload is analyzed and published.
func finished(t *testing.T) (*Activities, *shelf, counts) {
	t.Helper()
	a, s, _ := stages(t)
	engine := counts{orak.Engine{Name: "net", Version: "1+builtin.2"}, nil, new(int)}
	a.deps.Analyzer, a.deps.Engines[orak.EngineBuiltin] = engine, engine
	complete(t, a, s, same("choir", firstID))
	require.Equal(t, 1, *engine.ran)
	return a, s, engine
}

// complete analyzes an upload and publishes its results.
func complete(t *testing.T, a *Activities, s *shelf, u orak.Upload) {
	t.Helper()
	found, err := analyzed(t, a, s, u, "")
	require.NoError(t, err)
	require.NoError(t, a.Publish(t.Context(), PublishInput{
		Progress: orak.Progress{Upload: u, Status: orak.StatusCompleted, UpdatedAt: noon}, Analysis: found,
		Completed: AnnounceInput{ID: string(u.ID), Type: events.Completed, At: noon, Lifecycle: events.Lifecycle{Upload: u, Status: orak.StatusCompleted}},
	}))
}

func analyzed(t *testing.T, a *Activities, s *shelf, u orak.Upload, engine string) (orak.Analysis, error) {
	t.Helper()
	s.objects[orak.AudioKey(u.Tenant, u.ID)] = sound
	got, err := a.Analyze(t.Context(), AnalyzeInput{Upload: u, Audio: orak.Audio{DurationS: 2, Codec: string(u.ID)}, Engine: engine})
	if err != nil {
		return orak.Analysis{}, err
	}
	return *got.Analysis, nil
}

func TestReuseAnalyzesTheSameRecordingOnce(t *testing.T) {
	t.Parallel()
	a, s, engine := finished(t)
	u := same("choir", secondID)
	got, err := analyzed(t, a, s, u, "")
	require.NoError(t, err)
	require.Equal(t, 1, *engine.ran)
	require.Equal(t, 90.0, got.Tempo.BPM)
	require.Equal(t, string(secondID), got.Audio.Codec, "the description of its own recording")
	require.Equal(t, s.objects[orak.PitchKey("choir", firstID)], s.objects[orak.PitchKey("choir", secondID)])
	require.Equal(t, engine.engine, got.Engine)
	// Another run of the first upload finds its own analysis.
	_, err = analyzed(t, a, s, same("choir", firstID), "")
	require.NoError(t, err)
	require.Equal(t, 1, *engine.ran)
}

func TestReuseSkipsWhatDiffers(t *testing.T) {
	t.Parallel()
	pitch := orak.PitchKey("choir", firstID)
	pointer := orak.FinishedKey("choir", accepted().SHA256, orak.Engine{Name: "net", Version: "1+builtin.2"})
	for name, c := range map[string]struct {
		tenant orak.Tenant
		asked  string
		change func(a *Activities, s *shelf, e *counts)
	}{
		"another tenant's":              {tenant: "band"},
		"asked for by name":             {asked: orak.EngineBuiltin},
		"another version":               {change: func(_ *Activities, _ *shelf, e *counts) { e.engine.Version = "2" }},
		"another engine":                {change: func(_ *Activities, _ *shelf, e *counts) { e.engine.Name = "other" }},
		"a version unknown":             {change: func(_ *Activities, _ *shelf, e *counts) { e.engine.Version = "" }},
		"an engine that is unavailable": {change: func(_ *Activities, _ *shelf, e *counts) { e.silent = errors.New("unavailable") }},
		"no pointer":                    {change: func(_ *Activities, s *shelf, _ *counts) { delete(s.objects, pointer) }},
		"a damaged pointer":             {change: func(_ *Activities, s *shelf, _ *counts) { s.objects[pointer] = []byte("{") }},
		"a pointer out of it all":       {change: func(_ *Activities, s *shelf, _ *counts) { s.objects[pointer] = []byte(`{"upload_id":"../x"}`) }},
		"an upload that is gone": {change: func(_ *Activities, s *shelf, _ *counts) {
			delete(s.objects, pitch)
			delete(s.objects, orak.AnalysisKey("choir", firstID))
		}},
		"a curve that is gone":   {change: func(_ *Activities, s *shelf, _ *counts) { delete(s.objects, pitch) }},
		"a curve of another run": {change: func(_ *Activities, s *shelf, _ *counts) { s.objects[pitch] = []byte(`{"hop_s":1}`) }},
		"an analysis of another": {change: func(_ *Activities, s *shelf, _ *counts) {
			s.objects[orak.AnalysisKey("choir", firstID)] = []byte(`{"engine":{"name":"x","version":"1"}}`)
		}},
		"another length converted": {change: func(_ *Activities, s *shelf, _ *counts) {
			s.objects[orak.AnalysisKey("choir", firstID)] = []byte(`{"engine":{"name":"net","version":"1+builtin.2"},"audio":{"duration_s":3}}`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s, engine := finished(t)
			if c.change != nil {
				c.change(a, s, &engine)
				a.deps.Analyzer = engine
			}
			tenant := c.tenant
			if tenant == "" {
				tenant = "choir"
			}
			u := same(tenant, secondID)
			_, err := analyzed(t, a, s, u, c.asked)
			require.NoError(t, err)
			require.Equal(t, 2, *engine.ran)
			require.JSONEq(t, `{"hop_s":0.01,"f0_hz":[100],"voicing":[1]}`, string(s.objects[orak.PitchKey(tenant, secondID)]))
		})
	}
}

func TestReuseForgetsAnErasedUpload(t *testing.T) {
	t.Parallel()
	a, s, engine := finished(t)
	key := orak.FinishedKey("choir", accepted().SHA256, engine.engine)
	require.Contains(t, s.objects, key)
	other := orak.FinishedKey("choir", accepted().SHA256, orak.Engine{Name: "other", Version: "1"})
	s.objects[other] = []byte(`{"upload_id":"` + string(secondID) + `"}`)
	removed, err := a.unpoint(t.Context(), Erasing{ID: firstID, Tenant: "choir"})
	require.NoError(t, err)
	require.Equal(t, 1, removed)
	require.NotContains(t, s.objects, key)
	require.Contains(t, s.objects, other)
}

func TestReuseNeedsADigest(t *testing.T) {
	t.Parallel()
	a, s, _ := stages(t)
	engine := counts{orak.Engine{Name: "net", Version: "1"}, nil, new(int)}
	a.deps.Analyzer = engine
	for i, id := range []orak.UploadID{firstID, secondID} {
		u := same("choir", id)
		u.SHA256 = ""
		_, err := analyzed(t, a, s, u, "")
		require.NoError(t, err)
		require.NoError(t, a.point(t.Context(), u, engine.engine))
		require.Equal(t, i+1, *engine.ran)
	}
	for key := range s.objects {
		require.NotContains(t, key, "analyses/")
	}
}

func TestReusePointsToTheLatestUpload(t *testing.T) {
	t.Parallel()
	a, s, engine := finished(t)
	complete(t, a, s, same("choir", secondID))
	removed, err := a.unpoint(t.Context(), Erasing{ID: firstID, Tenant: "choir"})
	require.NoError(t, err)
	require.Zero(t, removed)
	for _, key := range []string{orak.PitchKey("choir", firstID), orak.AnalysisKey("choir", firstID)} {
		delete(s.objects, key)
	}
	_, err = analyzed(t, a, s, same("choir", "0190aaaa-0000-7000-8000-000000000003"), "")
	require.NoError(t, err)
	require.Equal(t, 1, *engine.ran, "the first is erased; its analysis remains with the second")
}

func TestFinishedKeyEscapesTheEngine(t *testing.T) {
	t.Parallel()
	require.True(t, orak.Engine{Name: "orak-pitch", Version: "1+orak-builtin.2-f0.55.1760"}.Known())
	for _, name := range []string{"", "a/b", "..", "a b", "a@b", "é", "a\n"} {
		require.False(t, orak.Engine{Name: name, Version: "1"}.Known(), name)
		require.False(t, orak.Engine{Name: "a", Version: name}.Known(), name)
	}
}
