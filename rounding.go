package orak

import "math"

// AnalysisSchema is the version of analysis.json that this version writes. Every
// change of a field's meaning or digits, and every new field, increments it:
//
//	1  has no schema_version; numbers have all the digits of a float64
//	2  numbers are rounded to significant digits
const AnalysisSchema = 2

// The digits after the decimal point of a number in a result, by its unit. The
// measurements are less precise than that; further digits are inaudible and differ
// between processors.
const (
	digitsHz        = 2 // 0.3 cents at 55 Hz
	digitsSeconds   = 3
	digitsDecibels  = 1 // dB, LU
	digitsBPM       = 1
	digitsShare     = 3 // ratios, confidences, probabilities
	digitsCepstrum  = 2
	digitsEmbedding = 5 // cosines keep 4
)

// Final returns the analysis as it is stored, published and answered: every number
// is rounded, and SchemaVersion is AnalysisSchema. It is called once, when an
// analysis is complete. The hop of the curve stays exact, since times are
// multiples of it. Final of a final analysis returns the same.
func (a Analysis) Final() Analysis {
	a.SchemaVersion = AnalysisSchema
	a.Audio = a.Audio.rounded()
	a.Pitch = a.Pitch.rounded()
	a.Key.Confidence = round(a.Key.Confidence, digitsShare)
	a.Tempo = Tempo{BPM: round(a.Tempo.BPM, digitsBPM), Confidence: round(a.Tempo.Confidence, digitsShare)}
	a.Loudness = a.Loudness.rounded()
	a.Timbre = Timbre{
		MFCCMean: roundAll(a.Timbre.MFCCMean, digitsCepstrum), MFCCStd: roundAll(a.Timbre.MFCCStd, digitsCepstrum),
		CentroidHz: round(a.Timbre.CentroidHz, digitsHz),
	}
	a.Embedding.Values = roundAll(a.Embedding.Values, digitsEmbedding)
	return a
}

// Final returns the curve as it is stored.
func (c PitchCurve) Final() PitchCurve {
	c.F0Hz, c.Voicing = roundAll(c.F0Hz, digitsHz), roundAll(c.Voicing, digitsShare)
	return c
}

func (a Audio) rounded() Audio {
	a.DurationS = round(a.DurationS, digitsSeconds)
	return a
}

func (l Loudness) rounded() Loudness {
	l.IntegratedLUFS = round(l.IntegratedLUFS, digitsDecibels)
	l.TruePeakDBTP = round(l.TruePeakDBTP, digitsDecibels)
	return l
}

func (p Pitch) rounded() Pitch {
	for _, hz := range []*float64{&p.MedianHz, &p.MinHz, &p.MaxHz, &p.TessituraLowHz, &p.TessituraHighHz} {
		*hz = round(*hz, digitsHz)
	}
	p.VoicedRatio = round(p.VoicedRatio, digitsShare)
	return p
}

// round returns the float nearest to v with so many decimal digits, so that its
// JSON has no more. Zero has no sign.
func round[T float32 | float64](v T, digits int) T {
	scale := math.Pow10(digits)
	scaled := math.Round(float64(v) * scale)
	if scaled == 0 {
		return 0
	}
	return T(scaled / scale)
}

// roundAll returns a rounded copy; nil for nil.
func roundAll[T float32 | float64](values []T, digits int) []T {
	if values == nil {
		return nil
	}
	rounded := make([]T, len(values))
	for i, v := range values {
		rounded[i] = round(v, digits)
	}
	return rounded
}
