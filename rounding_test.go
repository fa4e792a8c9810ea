package orak

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func unrounded() Analysis {
	return Analysis{
		Audio: Audio{DurationS: 12.34567891, Codec: "opus", SampleRateHz: 48000, Channels: 1, Damage: []Damage{}},
		Pitch: Pitch{
			MedianHz: 220.00512345, MinHz: 110.123456, MaxHz: 440.98765, LowNote: "A2", HighNote: "A4",
			TessituraLowHz: 130.81278, TessituraHighHz: 391.99543, VoicedRatio: 0.7512345, HopS: 256.0 / 22050,
		},
		Key:       Key{Tonic: "C#", Mode: "minor", Confidence: 0.1 + 0.2},
		Tempo:     Tempo{BPM: 96.04999, Confidence: 1 / 3.0},
		Loudness:  Loudness{IntegratedLUFS: -23.0512, TruePeakDBTP: -0.0123},
		Timbre:    Timbre{MFCCMean: []float64{-1.50501, 2.00001}, MFCCStd: []float64{math.Pi}, CentroidHz: 1500.123456},
		Embedding: Embedding{Name: "mfcc", Version: "1", Values: []float32{0.6000012, -0.0000012}},
		Engine:    Engine{Name: "orak", Version: "1"},
	}
}

func TestFinalAnalysisIsRounded(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(unrounded().Final())
	require.NoError(t, err)
	require.JSONEq(t, `{
		"schema_version": 2,
		"audio": {"duration_s": 12.346, "codec": "opus", "sample_rate_hz": 48000, "channels": 1, "damage": []},
		"pitch": {"median_hz": 220.01, "min_hz": 110.12, "max_hz": 440.99, "low_note": "A2", "high_note": "A4",
			"tessitura_low_hz": 130.81, "tessitura_high_hz": 392, "voiced_ratio": 0.751, "hop_s": 0.011609977324263039},
		"key": {"tonic": "C#", "mode": "minor", "confidence": 0.3},
		"tempo": {"bpm": 96, "confidence": 0.333},
		"loudness": {"integrated_lufs": -23.1, "true_peak_dbtp": 0},
		"timbre": {"mfcc_mean": [-1.51, 2], "mfcc_std": [3.14], "centroid_hz": 1500.12},
		"embedding": {"name": "mfcc", "version": "1", "values": [0.6, 0]},
		"engine": {"name": "orak", "version": "1"}}`, string(text))
	require.NotContains(t, string(text), "-0,", "zero has no sign")
}

func TestFinalOfAFinalAnalysisIsTheSame(t *testing.T) {
	t.Parallel()
	given := unrounded()
	once := given.Final()
	require.Equal(t, once, once.Final())
	require.Equal(t, unrounded(), given, "the receiver is not changed")
}

func TestFinalCurveIsRounded(t *testing.T) {
	t.Parallel()
	var curve PitchCurve
	for i := range 5000 {
		curve.F0Hz = append(curve.F0Hz, float32(55*math.Pow(2, float64(i)/1000)))
		curve.Voicing = append(curve.Voicing, float32(i)/5000)
	}
	text, err := json.Marshal(curve.Final())
	require.NoError(t, err)
	require.NotRegexp(t, regexp.MustCompile(`\.\d{4}`), string(text))
	require.NotRegexp(t, regexp.MustCompile(`\d{2}\.\d{3}`), string(text), "Hz have two digits")
	for i, f0 := range curve.Final().F0Hz {
		require.InDelta(t, curve.F0Hz[i], f0, 0.00501)
	}
	empty, err := json.Marshal(PitchCurve{F0Hz: []float32{}, Voicing: []float32{}}.Final())
	require.NoError(t, err)
	require.JSONEq(t, `{"hop_s":0,"f0_hz":[],"voicing":[]}`, string(empty), "empty is not null")
}
