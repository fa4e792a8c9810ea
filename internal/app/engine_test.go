package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/analysis"
	"orak/internal/modelserver"
	"orak/worker"
)

func TestModelServerEnginesNeedAConfiguredServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		engine, url string
		want        []string
	}{
		"nothing set":      {orak.EngineBuiltin, "", []string{orak.EngineBuiltin}},
		"a server":         {orak.EngineBuiltin, "http://gpu:8090", orak.Engines()},
		"an engine of one": {orak.EngineOIP, "", orak.Engines()},
	} {
		a := &App{cfg: Config{Worker: worker.Config{Engine: c.engine}, ModelServer: modelserver.Config{URL: c.url}}}
		engines := a.engines()
		require.Len(t, engines, len(c.want), name)
		for _, want := range c.want {
			require.Contains(t, engines, want, name)
		}
	}
}

// The server answers with every field of an analysis.json. Only what a model is
// asked for is taken; what is measured over the whole recording is not.
func TestModelResultsReplaceBuiltinResults(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"engine":{"name":"all","version":"7"},"audio":{"duration_s":99},"pitch":{"median_hz":1},
			"pitch_curve":{"hop_s":0.01,"f0_hz":[200,200,0],"voicing":[1,1,0]},"key":{"tonic":"F#","mode":"minor","confidence":0.5},
			"tempo":{"bpm":90,"confidence":0.25},"loudness":{"integrated_lufs":0},"timbre":{"centroid_hz":1},
			"embedding":{"name":"all","version":"7","values":[0,2]}}`)
	}))
	t.Cleanup(server.Close)
	client := modelserver.New(modelserver.Config{URL: server.URL, Timeout: 10 * time.Second, Window: time.Second})
	silence := modelserver.WAV(make([]int16, 480))
	a, curve, err := modelEngine{builtin: analysis.New(analysis.Config{}), server: client}.Analyze(t.Context(), bytes.NewReader(silence), nil)
	require.NoError(t, err)
	require.Equal(t, []float32{200, 200, 0}, curve.F0Hz)
	require.InDelta(t, 200, a.Pitch.MedianHz, 1e-6)
	require.Equal(t, orak.Key{Tonic: "F#", Mode: "minor", Confidence: 0.5}, a.Key)
	require.Equal(t, orak.Tempo{BPM: 90, Confidence: 0.25}, a.Tempo)
	require.Equal(t, orak.Embedding{Name: "all", Version: "7", Values: []float32{0, 1}}, a.Embedding)
	require.InDelta(t, -70, a.Loudness.IntegratedLUFS, 1e-9)
	require.Zero(t, a.Timbre.CentroidHz)
	require.Zero(t, a.Audio)
	require.Equal(t, orak.Engine{Name: "all", Version: "7+orak-builtin." + analysis.EngineVersion}, a.Engine)
}
