package activities

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
)

// precise is an engine whose results have many digits.
type precise struct{}

var preciseEngine = orak.Engine{Name: "precise", Version: "1"}

func (precise) Identity(context.Context) (orak.Engine, error) { return preciseEngine, nil }

func (precise) Analyze(_ context.Context, wav io.Reader, _ func(float64)) (orak.Analysis, orak.PitchCurve, error) {
	_, err := io.Copy(io.Discard, wav)
	found := orak.Analysis{Engine: preciseEngine, Pitch: orak.Pitch{MedianHz: 440.123456789, HopS: 0.01}, Loudness: orak.Loudness{IntegratedLUFS: -23.456}}
	return found, orak.PitchCurve{HopS: 0.01, F0Hz: []float32{440.12346}, Voicing: []float32{0.98765}}, err
}

// published returns the analysis of an upload, as stored and as published.
func published(t *testing.T, s *shelf, k *said, id orak.UploadID) (file, event orak.Analysis) {
	t.Helper()
	require.NoError(t, json.Unmarshal(s.objects[orak.AnalysisKey("choir", id)], &file))
	var l events.Lifecycle
	require.NoError(t, json.Unmarshal(k.events[len(k.events)-1].Data, &l))
	return file, *l.Analysis
}

func TestAnalyzeRoundsNumbersOnceForFilesAndEvents(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	a.deps.Analyzer = precise{}
	complete(t, a, s, same("choir", firstID))
	file, event := published(t, s, k, firstID)
	require.Equal(t, file, event)
	require.Equal(t, orak.AnalysisSchema, file.SchemaVersion)
	require.Equal(t, 440.12, file.Pitch.MedianHz)
	require.Equal(t, -23.5, file.Loudness.IntegratedLUFS)
	require.JSONEq(t, `{"hop_s":0.01,"f0_hz":[440.12],"voicing":[0.988]}`, string(s.objects[orak.PitchKey("choir", firstID)]))
}

func TestReuseRoundsAnAnalysisOfTheFirstSchema(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	a.deps.Analyzer = precise{}
	complete(t, a, s, same("choir", firstID))
	s.objects[orak.AnalysisKey("choir", firstID)] = []byte(`{"engine":{"name":"precise","version":"1"},"audio":{"duration_s":2.0003},"pitch":{"median_hz":441.98765}}`)
	complete(t, a, s, same("choir", secondID))
	file, event := published(t, s, k, secondID)
	require.Equal(t, file, event)
	require.Equal(t, 441.99, file.Pitch.MedianHz, "it was not computed again")
	require.Equal(t, orak.AnalysisSchema, file.SchemaVersion)
}

func TestReuseSkipsAnAnalysisOfALaterSchema(t *testing.T) {
	t.Parallel()
	a, s, k := stages(t)
	a.deps.Analyzer = precise{}
	complete(t, a, s, same("choir", firstID))
	s.objects[orak.AnalysisKey("choir", firstID)] = []byte(`{"schema_version":99,"engine":{"name":"precise","version":"1"},"audio":{"duration_s":2},"pitch":{"median_hz":441}}`)
	complete(t, a, s, same("choir", secondID))
	file, _ := published(t, s, k, secondID)
	require.Equal(t, 440.12, file.Pitch.MedianHz)
}
