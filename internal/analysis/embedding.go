package analysis

import (
	"math"

	"orak"
)

// EmbeddingName, EmbeddingVersion and EmbeddingSize identify the embedding. Every
// change of values changes the version: an index of old embeddings must not be
// searched with a new one.
const (
	EmbeddingName    = "orak-voice"
	EmbeddingVersion = "2"
	EmbeddingSize    = 64
)

// embedding collects values in the order below. Each is normalized to about -1 to 1
// by fixed constants, then weighted so that large groups do not outweigh small
// ones.
type embedding []float64

// embed returns a vector of 64 numbers and of unit length that describes the
// recording; all 0 for silence:
//
//	 0–11  mean of the cepstral coefficients 1 to 12: the colour of the voice
//	12–23  their standard deviation: how much it changes
//	24–31  the change over 20 ms of coefficients 1 to 8: how fast
//	32–43  the pitch classes from C: what is sung
//	44–55  the voiced frames by distance from the median, -12 to +12
//	       semitones in steps of 2: how the melody is spread
//	56–59  median, spread and movement of the pitch, voiced share
//	60–63  tempo and its confidence, onset rate, spectral centroid
//
// The zeroth coefficient is left out, as it is the gain.
func embed(t timbre, c chroma, curve orak.PitchCurve, a orak.Analysis, onsetRate float64) orak.Embedding {
	out := orak.Embedding{Name: EmbeddingName, Version: EmbeddingVersion, Values: make([]float32, EmbeddingSize)}
	if t.sounding == 0 {
		return out
	}
	e := make(embedding, 0, EmbeddingSize)
	e.timbre(t)
	e.chroma(c)
	e.pitch(curve, a.Pitch)
	e.rhythm(a, onsetRate, t)
	norm := 0.0
	for _, v := range e {
		norm += v * v
	}
	if norm = math.Sqrt(norm); norm < 1e-9 {
		return out
	}
	for i, v := range e {
		out.Values[i] = float32(v / norm)
	}
	return out
}

// put adds one value: (v - centre) / scale, clamped to ±3, times weight.
func (e *embedding) put(v, centre, scale, weight float64) {
	*e = append(*e, weight*min(max((v-centre)/scale, -3), 3))
}

func (e *embedding) timbre(t timbre) {
	centres, scales := mfccNorms()
	for k := 1; k < mfccs; k++ {
		e.put(t.mean[k], centres[k-1], scales[k-1], 0.5)
	}
	for k := 1; k < mfccs; k++ {
		e.put(t.std[k], 10, 6, 0.2)
	}
	for k := 1; k <= 8; k++ {
		e.put(t.delta[k], 8, 5, 0.2)
	}
}

// mfccNorms returns centres and scales of the coefficients 1 to 12, in dB, from
// synthetic and spoken voices.
func mfccNorms() (centres, scales [12]float64) {
	centres = [12]float64{50, 0, 10, 0, 0, -5, 0, 0, 0, 0, 0, 0}
	scales = [12]float64{40, 25, 20, 18, 15, 12, 12, 10, 10, 8, 8, 8}
	return centres, scales
}

func (e *embedding) chroma(c chroma) {
	top := 0.0
	for _, v := range c.class {
		top = max(top, v)
	}
	for _, v := range c.class {
		if top == 0 {
			e.put(0, 0, 1, 0)
			continue
		}
		e.put(v/top, 0.35, 0.35, 0.25)
	}
}

func (e *embedding) pitch(curve orak.PitchCurve, p orak.Pitch) {
	const bins, width, reach = 12, 2.0, 12.0
	var spread [bins]float64
	voiced, moves, moved, sq := 0.0, 0.0, 0.0, 0.0
	last := 0.0
	for _, f0 := range curve.F0Hz {
		if f0 == 0 {
			last = 0
			continue
		}
		d := 12 * math.Log2(float64(f0)/p.MedianHz)
		// Split between the two nearest bins, so that a small change of the pitch
		// changes the embedding little.
		at := min(max((d+reach)/width-0.5, 0), bins-1)
		i := min(int(at), bins-2)
		spread[i] += 1 - (at - float64(i))
		spread[i+1] += at - float64(i)
		sq += min(d*d, 24*24)
		voiced++
		if last > 0 {
			moves++
			moved += min(math.Abs(12*math.Log2(float64(f0)/last)), 1)
		}
		last = float64(f0)
	}
	for _, s := range spread {
		e.put(s/max(voiced, 1), 0.15, 0.2, 0.25)
	}
	if voiced == 0 {
		*e = append(*e, 0, 0, 0, -1)
		return
	}
	e.put(math.Log2(p.MedianHz), math.Log2(200), 0.8, 1)
	e.put(math.Sqrt(sq/voiced), 4, 3, 0.5)
	e.put(moved/max(moves, 1), 0.15, 0.15, 0.5)
	e.put(p.VoicedRatio, 0.6, 0.3, 0.5)
}

func (e *embedding) rhythm(a orak.Analysis, onsetRate float64, t timbre) {
	octaves := 0.0
	if a.Tempo.BPM > 0 {
		octaves = math.Log2(a.Tempo.BPM / likeliest)
	}
	// An uncertain tempo must not separate two recordings.
	e.put(octaves*a.Tempo.Confidence, 0, 0.7, 0.5)
	e.put(a.Tempo.Confidence, 0.4, 0.4, 0.3)
	e.put(onsetRate, 2, 2, 0.4)
	e.put(math.Log2(max(t.centroidHz, 50)), math.Log2(900), 1, 0.5)
}
