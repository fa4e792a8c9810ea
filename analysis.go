package orak

import (
	"slices"
	"time"
)

// Analysis is what a recording turned out to hold: the shape of
// analysis.json. Fields are only ever added.
type Analysis struct {
	// SchemaVersion is the AnalysisSchema that the analysis was written with; 0
	// where it is not said, which is version 1.
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
	// DurationS is how long the recording plays, in seconds: the audio really
	// decoded, with the silence of its gaps; not what a header claims.
	DurationS    float64 `json:"duration_s"`
	Codec        string  `json:"codec"`
	SampleRateHz int     `json:"sample_rate_hz"`
	Channels     int     `json:"channels"`
	// Tracks is how many audio tracks the file has, of which one was analyzed:
	// the first that has sound. 0 where it was not counted.
	Tracks int `json:"tracks,omitempty"`
	// Loudness is that of the recording as it was sent, every channel at its own
	// rate; nil where it was not measured so. An Analysis has it in its own
	// Loudness.
	Loudness *Loudness `json:"loudness,omitempty"`
	// Damage lists what was wrong with the file and could be passed over;
	// empty for a sound one.
	Damage []Damage `json:"damage"`
}

// Of returns a as the analysis of the recording that audio describes. The
// loudness is the recording's own where that was measured: an engine hears the
// mono mix alone.
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
	// DamageDecodeErrors means that some packets could not be decoded, or were
	// changed on their way. What they held is missing or noise.
	DamageDecodeErrors Damage = "decode_errors"
	// DamageGaps means that the recording was interrupted: by its own clock,
	// audio is missing between two parts. There is silence in its place, so that
	// times are those of the playing. A gap of more than 10 minutes is a clock
	// that was set: no silence is put in.
	DamageGaps Damage = "gaps"
	// DamageTrailing means that something follows the end that the file
	// declares, such as a second recording. It may not have been analyzed.
	DamageTrailing Damage = "trailing_data"
)

// Pitch sums up the PitchCurve over its voiced frames. Without voiced frames
// every frequency is 0 and both notes are empty.
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
	// TessituraLowHz and TessituraHighHz hold the middle 80 % of the voiced
	// frames: the 10th and the 90th percentile.
	TessituraLowHz  float64 `json:"tessitura_low_hz"`
	TessituraHighHz float64 `json:"tessitura_high_hz"`
	// VoicedRatio is the share of voiced frames, 0 to 1.
	VoicedRatio float64 `json:"voiced_ratio"`
	// HopS is the distance of two frames of the PitchCurve, in seconds.
	HopS float64 `json:"hop_s"`
}

// PitchCurve is the fundamental frequency over time: the shape of pitch.json.
// Its slices have one entry a frame; frame i is centred at i × HopS seconds.
type PitchCurve struct {
	HopS float64 `json:"hop_s"`
	// F0Hz is in Hz, 0 where the frame is unvoiced.
	F0Hz []float32 `json:"f0_hz"`
	// Voicing is the probability that the frame is voiced, 0 to 1.
	Voicing []float32 `json:"voicing"`
}

// Key is the musical key.
type Key struct {
	// Tonic is a pitch class, C to B with sharps; empty where none was found.
	Tonic string `json:"tonic"`
	// Mode is "major" or "minor"; empty where none was found.
	Mode string `json:"mode"`
	// Confidence is 0 to 1: how far the best key leads the next.
	Confidence float64 `json:"confidence"`
}

// Valid reports whether k is as its fields say; a key of which one half alone
// was found is not.
func (k Key) Valid() bool {
	if k.Tonic == "" && k.Mode == "" {
		return isShare(k.Confidence)
	}
	classes := PitchClasses()
	return slices.Contains(classes[:], k.Tonic) && (k.Mode == "major" || k.Mode == "minor") && isShare(k.Confidence)
}

// Tempo is the steady beat.
type Tempo struct {
	// BPM is in beats a minute, up to 1000; 0 where no beat was found.
	BPM float64 `json:"bpm"`
	// Confidence is 0 to 1.
	Confidence float64 `json:"confidence"`
}

// Valid reports whether t is as its fields say.
func (t Tempo) Valid() bool { return t.BPM >= 0 && t.BPM <= 1000 && isShare(t.Confidence) }

func isShare(v float64) bool { return v >= 0 && v <= 1 }

// Loudness is measured as EBU R128 and ITU-R BS.1770-4 say.
type Loudness struct {
	// IntegratedLUFS is -70 for silence (the absolute gate).
	IntegratedLUFS float64 `json:"integrated_lufs"`
	// TruePeakDBTP is the peak of the 4 times oversampled signal; -120 at
	// least.
	TruePeakDBTP float64 `json:"true_peak_dbtp"`
}

// Timbre holds statistics of the mel-frequency cepstral coefficients.
type Timbre struct {
	MFCCMean []float64 `json:"mfcc_mean"`
	MFCCStd  []float64 `json:"mfcc_std"`
	// CentroidHz is the mean spectral centroid of the frames that are not
	// silent.
	CentroidHz float64 `json:"centroid_hz"`
}

// Embedding places the recording among others. Only embeddings of the same
// name and version may be compared.
type Embedding struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Values has unit length (L2), or is all zero for silence.
	Values []float32 `json:"values"`
}

// Engine names what made the analysis.
type Engine struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Known reports whether e tells one engine from every other: both its names are
// there, and are safe inside object keys.
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

// Limits are what an operator set for one conversion, in place of the
// converter's own limits. A zero leaves the converter's own.
type Limits struct {
	// Timeout is how long the conversion may take by the clock.
	Timeout time.Duration `json:"timeout,omitempty"`
	// MaxDuration is how long the recording may be, 24 hours at most.
	MaxDuration time.Duration `json:"max_duration,omitempty"`
}

// The engines, as they are asked for: the one that is part of orak, and a model
// server by orak's own contract or by the Open Inference Protocol.
const (
	EngineBuiltin = "builtin"
	EngineHTTP    = "http"
	EngineOIP     = "oip"
)

// Engines are the names of all engines.
func Engines() []string { return []string{EngineBuiltin, EngineHTTP, EngineOIP} }
