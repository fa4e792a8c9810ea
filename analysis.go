package orak

import (
	"slices"
	"time"
)

// Analysis is the result of an analysis, and the format of analysis.json. Fields
// are only ever added.
type Analysis struct {
	// SchemaVersion is the AnalysisSchema of the version that wrote the analysis;
	// 0 means version 1.
	SchemaVersion int `json:"schema_version,omitempty"`

	Audio     Audio     `json:"audio"`
	Pitch     Pitch     `json:"pitch"`
	Key       Key       `json:"key"`
	Tempo     Tempo     `json:"tempo"`
	Loudness  Loudness  `json:"loudness"`
	Timbre    Timbre    `json:"timbre"`
	Embedding Embedding `json:"embedding"`
	Engine    Engine    `json:"engine"`
}

// Audio describes the recording as it was sent.
type Audio struct {
	// DurationS is the length of the decoded audio in seconds, including the
	// silence in its gaps. It is not read from a header.
	DurationS    float64 `json:"duration_s"`
	Codec        string  `json:"codec"`
	SampleRateHz int     `json:"sample_rate_hz"`
	Channels     int     `json:"channels"`
	// Tracks is the number of audio tracks in the file, of which the first with
	// sound was analyzed; 0 means that they were not counted.
	Tracks int `json:"tracks,omitempty"`
	// Loudness is measured on the recording as it was sent, every channel at its
	// original rate; nil means that it was not measured. An Analysis has it in
	// Analysis.Loudness instead.
	Loudness *Loudness `json:"loudness,omitempty"`
	// Damage lists the faults of the file that did not stop its analysis; empty
	// if there were none.
	Damage []Damage `json:"damage"`
	// MissingS is how many seconds a truncated file lacks at its end, as far as the
	// file itself declares its length, in tenths; 0 for none or unknown.
	MissingS float64 `json:"missing_s,omitempty"`
}

// Of returns a as the analysis of the recording that audio describes. The loudness
// of the recording as it was sent, if measured, replaces that of the engine, which
// gets only a mono mix.
func (a Analysis) Of(audio Audio) Analysis {
	a.Audio = audio
	if audio.Loudness != nil {
		a.Loudness, a.Audio.Loudness = *audio.Loudness, nil
	}
	return a
}

// Damage is a code for a fault of the file that did not stop its analysis.
type Damage string

const (
	// DamageTruncated means that the file ends before its container says.
	DamageTruncated Damage = "truncated"
	// DamageDecodeErrors means that some packets could not be decoded, or are
	// corrupt. Their audio is missing or noise.
	DamageDecodeErrors Damage = "decode_errors"
	// DamageGaps means that the recording was interrupted: by its timestamps, audio
	// is missing between two parts. Silence fills the gap, so that times stay
	// right. A gap of more than 10 minutes is taken for a change of the clock and
	// not filled.
	DamageGaps Damage = "gaps"
	// DamageTrailing means that data follows the declared end of the file, such as
	// a second recording. It may not have been analyzed.
	DamageTrailing Damage = "trailing_data"
)

// Pitch summarizes the voiced frames of the PitchCurve. Without voiced frames every
// frequency is 0 and both notes are empty.
type Pitch struct {
	MedianHz float64 `json:"median_hz"`
	// MinHz and MaxHz bound the vocal range: the 1st and the 99th percentile
	// of the voiced frames, so that single stray frames do not widen it.
	MinHz float64 `json:"min_hz"`
	MaxHz float64 `json:"max_hz"`
	// LowNote and HighNote are MinHz and MaxHz in scientific pitch notation,
	// A4 = 440 Hz, sharps only ("C#4").
	LowNote  string `json:"low_note"`
	HighNote string `json:"high_note"`
	// TessituraLowHz and TessituraHighHz bound the middle 80 % of the voiced
	// frames: the 10th and the 90th percentile.
	TessituraLowHz  float64 `json:"tessitura_low_hz"`
	TessituraHighHz float64 `json:"tessitura_high_hz"`
	// VoicedRatio is the share of voiced frames, 0 to 1.
	VoicedRatio float64 `json:"voiced_ratio"`
	// HopS is the time between two frames of the PitchCurve, in seconds.
	HopS float64 `json:"hop_s"`
}

// PitchCurve is the fundamental frequency over time, and the format of pitch.json.
// Its slices have one entry per frame; frame i is centred at i × HopS seconds.
type PitchCurve struct {
	// HopS is the time between two frames, in seconds.
	HopS float64 `json:"hop_s"`
	// F0Hz is the frequency in Hz; 0 in unvoiced frames.
	F0Hz []float32 `json:"f0_hz"`
	// Voicing is the probability that the frame is voiced, 0 to 1.
	Voicing []float32 `json:"voicing"`
}

// Key is the musical key.
type Key struct {
	// Tonic is a pitch class, C to B with sharps; empty if no key was found.
	Tonic string `json:"tonic"`
	// Mode is "major" or "minor"; empty if no key was found.
	Mode string `json:"mode"`
	// Confidence, 0 to 1, is how far the best key leads the next.
	Confidence float64 `json:"confidence"`
}

// Valid reports whether the fields of k are in their ranges. A key with only
// a tonic or only a mode is invalid.
func (k Key) Valid() bool {
	if k.Tonic == "" && k.Mode == "" {
		return isShare(k.Confidence)
	}
	classes := PitchClasses()
	return slices.Contains(classes[:], k.Tonic) && (k.Mode == "major" || k.Mode == "minor") && isShare(k.Confidence)
}

// Tempo is the steady beat.
type Tempo struct {
	// BPM is in beats per minute, up to 1000; 0 if no beat was found.
	BPM float64 `json:"bpm"`
	// Confidence is 0 to 1.
	Confidence float64 `json:"confidence"`
}

// Valid reports whether the fields of t are in their ranges.
func (t Tempo) Valid() bool { return t.BPM >= 0 && t.BPM <= 1000 && isShare(t.Confidence) }

func isShare(v float64) bool { return v >= 0 && v <= 1 }

// Loudness is measured by EBU R128 and ITU-R BS.1770-4.
type Loudness struct {
	// IntegratedLUFS is the integrated loudness in LUFS; -70, the absolute gate,
	// for silence.
	IntegratedLUFS float64 `json:"integrated_lufs"`
	// TruePeakDBTP is the peak of the 4 times oversampled signal in dBTP, at least
	// -120.
	TruePeakDBTP float64 `json:"true_peak_dbtp"`
}

// Timbre holds statistics of the mel-frequency cepstral coefficients.
type Timbre struct {
	MFCCMean []float64 `json:"mfcc_mean"`
	MFCCStd  []float64 `json:"mfcc_std"`
	// CentroidHz is the mean spectral centroid of the frames that are not silent,
	// in Hz.
	CentroidHz float64 `json:"centroid_hz"`
}

// Embedding is a vector by which recordings are compared. Only embeddings of the
// same name and version are comparable.
type Embedding struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Values has unit length (L2); for silence it is all zeros.
	Values []float32 `json:"values"`
}

// Engine identifies the engine that made an analysis.
type Engine struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Known reports whether e identifies an engine: its name and version are set, and
// are safe in object keys.
func (e Engine) Known() bool { return isEngineName(e.Name) && isEngineName(e.Version) }

func isEngineName(s string) bool {
	if s == "" || len(s) > 200 || s[0] == '.' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' && c != '+' {
			return false
		}
	}
	return true
}

// Limits are an operator's limits for one conversion. Zero keeps the limit of the
// converter.
type Limits struct {
	// Timeout bounds the elapsed time of the conversion.
	Timeout time.Duration `json:"timeout,omitempty"`
	// MaxDuration bounds the length of the recording, and is at most 24 hours.
	MaxDuration time.Duration `json:"max_duration,omitempty"`
}

// The names of the engines in settings and requests: the built-in one, and a model
// server that speaks orak's HTTP contract or the Open Inference Protocol.
const (
	EngineBuiltin = "builtin"
	EngineHTTP    = "http"
	EngineOIP     = "oip"
)

// Engines returns the names of all engines.
func Engines() []string { return []string{EngineBuiltin, EngineHTTP, EngineOIP} }
