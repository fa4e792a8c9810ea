package analysis

import (
	"fmt"
	"math"
	"slices"

	"orak"
)

// checkFinite returns an error unless all numbers are finite, as Analyze promises:
// JSON cannot represent others, and later steps would fail.
func checkFinite(a orak.Analysis, c orak.PitchCurve) error {
	groups := []struct {
		name   string
		values []float64
	}{
		{"pitch", []float64{a.Pitch.MedianHz, a.Pitch.MinHz, a.Pitch.MaxHz,
			a.Pitch.TessituraLowHz, a.Pitch.TessituraHighHz, a.Pitch.VoicedRatio}},
		{"key", []float64{a.Key.Confidence}},
		{"tempo", []float64{a.Tempo.BPM, a.Tempo.Confidence}},
		{"loudness", []float64{a.Loudness.IntegratedLUFS, a.Loudness.TruePeakDBTP}},
		{"timbre", append(slices.Concat(a.Timbre.MFCCMean, a.Timbre.MFCCStd), a.Timbre.CentroidHz)},
	}
	for _, g := range groups {
		if slices.ContainsFunc(g.values, notFinite[float64]) {
			return failed(g.name)
		}
	}
	for name, values := range map[string][]float32{
		"embedding": a.Embedding.Values, "f0 curve": c.F0Hz, "voicing curve": c.Voicing,
	} {
		if slices.ContainsFunc(values, notFinite[float32]) {
			return failed(name)
		}
	}
	return nil
}

func notFinite[T float32 | float64](v T) bool {
	return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
}

func failed(what string) error {
	return &orak.Fault{
		Class:   orak.ClassModel,
		Message: "The analysis of this recording failed.",
		Err:     fmt.Errorf("checking result: %s has a number that is not finite", what),
	}
}
