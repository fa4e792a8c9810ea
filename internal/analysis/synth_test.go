package analysis

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// Synthetic sounds with a known pitch for every frame.

// contour is a fundamental in Hz at t seconds; 0 is silence.
type contour func(t float64) float64

// spectrum is the amplitude of partial h, which lies at hz.
type spectrum func(h int, hz float64) float64

func steady(hz float64) contour { return func(float64) float64 { return hz } }

func glide(from, to, seconds float64) contour {
	return func(t float64) float64 { return from * math.Pow(to/from, t/seconds) }
}

func vibrato(hz, cents, rate float64) contour {
	return func(t float64) float64 {
		return hz * math.Pow(2, cents/1200*math.Sin(2*math.Pi*rate*t))
	}
}

// melody returns notes in sequence, each for length seconds, the last tenth of it
// silent. A note of 0 Hz is a rest.
func melody(length float64, notes ...float64) contour {
	return func(t float64) float64 {
		i := int(t / length)
		if i >= len(notes) || t-float64(i)*length > 0.9*length {
			return 0
		}
		return notes[i]
	}
}

func pure(h int, _ float64) float64 {
	if h == 1 {
		return 1
	}
	return 0
}

func sawtooth(h int, _ float64) float64 { return 1 / float64(h) }

// without returns a sawtooth that lacks its first partials.
func without(missing int) spectrum {
	return func(h int, _ float64) float64 {
		if h <= missing {
			return 0
		}
		return 1 / float64(h)
	}
}

// vowel returns a spectrum with the formants of a sung vowel over a source that falls
// by 12 dB an octave.
func vowel(formants ...float64) spectrum {
	return func(h int, hz float64) float64 {
		gain := 0.02
		for i, f := range formants {
			bandwidth := 60 + 0.05*f
			d := (hz - f) / bandwidth
			gain += math.Pow(0.6, float64(i)) / math.Sqrt(1+d*d)
		}
		return gain / float64(h)
	}
}

func ah() spectrum { return vowel(730, 1090, 2440) }
func ee() spectrum { return vowel(270, 2290, 3010) }
func oo() spectrum { return vowel(300, 870, 2240) }

// sing returns a sound of the given seconds and level (RMS of the notes; full scale is
// 1). Notes begin and end within 10 ms.
func sing(seconds, level float64, f0 contour, timbre spectrum) []float64 {
	x := make([]float64, int(seconds*sampleRate))
	var partials []complex128 // the imaginary part is the sound
	phase, envelope, last := 0.0, 0.0, 0.0
	for i := range x {
		hz, target := f0(float64(i)/sampleRate), 1.0
		if hz == 0 {
			hz, target = last, 0
		}
		last = hz
		envelope += (target - envelope) / (0.003 * sampleRate)
		if hz == 0 {
			continue
		}
		if i%16 == 0 || partials == nil {
			partials = partialsAt(hz, timbre, partials[:0])
		}
		phase += 2 * math.Pi * hz / sampleRate
		step := cmplx.Rect(1, phase)
		turn, sum := step, 0.0
		for _, p := range partials {
			sum += imag(turn * p)
			turn *= step
		}
		x[i] = level * envelope * sum
	}
	return x
}

// partialsAt returns the partials of hz with a total RMS of 1. Their phases are spread,
// so that the sound has no pulses that make its period obvious.
func partialsAt(hz float64, timbre spectrum, to []complex128) []complex128 {
	power := 0.0
	for h := 1; float64(h)*hz < 0.48*sampleRate; h++ {
		a := timbre(h, float64(h)*hz)
		power += a * a / 2
		to = append(to, cmplx.Rect(a, float64(h*h)))
	}
	for i := range to {
		to[i] /= complex(math.Sqrt(power), 0)
	}
	return to
}

func scale(x []float64, by float64) []float64 {
	for i := range x {
		x[i] *= by
	}
	return x
}

func mix(a []float64, others ...[]float64) []float64 {
	out := append([]float64{}, a...)
	for _, b := range others {
		for i := range min(len(out), len(b)) {
			out[i] += b[i]
		}
	}
	return out
}

// white returns white noise of the given RMS, the same for the same seed.
func white(seconds, level float64, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, int(seconds*sampleRate))
	for i := range x {
		x[i] = level * r.NormFloat64()
	}
	return x
}

// clicks returns clicks of 20 ms at a tempo.
func clicks(seconds, bpm float64) []float64 {
	x := make([]float64, int(seconds*sampleRate))
	noise := white(0.02, 0.3, 7)
	for beat := 0; ; beat++ {
		at := int((0.1 + 60/bpm*float64(beat)) * sampleRate)
		if at+len(noise) > len(x) {
			return x
		}
		for i, v := range noise {
			x[at+i] += v * math.Exp(-float64(i)/80)
		}
	}
}

// hz returns the frequency of a MIDI note.
func hz(note float64) float64 { return 440 * math.Pow(2, (note-69)/12) }

// encode returns the WAV that the converter would write.
func encode(x []float64) []byte {
	var b bytes.Buffer
	le := binary.LittleEndian
	size := uint32(len(x) * 2)
	b.WriteString("RIFF")
	b.Write(le.AppendUint32(nil, 36+size))
	b.WriteString("WAVEfmt ")
	b.Write(le.AppendUint32(nil, 16))
	b.Write(le.AppendUint16(nil, 1))
	b.Write(le.AppendUint16(nil, 1))
	b.Write(le.AppendUint32(nil, sampleRate))
	b.Write(le.AppendUint32(nil, sampleRate*2))
	b.Write(le.AppendUint16(nil, 2))
	b.Write(le.AppendUint16(nil, 16))
	b.WriteString("data")
	b.Write(le.AppendUint32(nil, size))
	for _, v := range x {
		s := int16(min(max(math.Round(v*32768), -32768), 32767))
		b.Write(le.AppendUint16(nil, uint16(s)))
	}
	return b.Bytes()
}

func analyze(t testing.TB, x []float64) (orak.Analysis, orak.PitchCurve) {
	t.Helper()
	a, c, err := New(Config{}).Analyze(context.Background(), bytes.NewReader(encode(x)), nil)
	require.NoError(t, err)
	return a, c
}

// accuracy compares a curve with the truth: right is the share of sounding frames that
// are reported voiced within 50 cents, octave of those that are an octave or more off,
// false of the silent frames that are reported voiced. Frames within 40 ms of the start
// or end of a note or of the recording are left out.
func accuracy(c orak.PitchCurve, f0 contour) (right, octave, falsely float64) {
	var sounding, rights, octaves, silent, voiced int
	for i, got := range c.F0Hz {
		at := float64(i) * hopS
		want := f0(at)
		if i < 4 || i >= len(c.F0Hz)-4 || changes(f0, at) {
			continue
		}
		if want == 0 {
			silent++
			if got > 0 {
				voiced++
			}
			continue
		}
		sounding++
		if got == 0 {
			continue
		}
		switch cents := math.Abs(1200 * math.Log2(float64(got)/want)); {
		case cents <= 50:
			rights++
		case cents > 1150:
			octaves++
		}
	}
	return share(rights, sounding), share(octaves, sounding), share(voiced, silent)
}

// changes reports whether a note begins, ends or leaps within 40 ms of t.
func changes(f0 contour, t float64) bool {
	a := f0(t - 0.04)
	for d := -0.035; d <= 0.041; d += 0.005 {
		b := f0(t + d)
		if (a == 0) != (b == 0) || a > 0 && math.Abs(math.Log2(a/b)) > 1.0/24 {
			return true
		}
		a = b
	}
	return false
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
