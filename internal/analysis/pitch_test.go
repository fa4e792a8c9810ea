package analysis

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// sound is a synthetic sound with known pitch.
type sound struct {
	name    string
	seconds float64
	f0      contour
	timbre  spectrum
}

func voices() map[string]spectrum {
	return map[string]spectrum{"sawtooth": sawtooth, "ah": ah(), "ee": ee(), "oo": oo()}
}

func tones() (out []sound) {
	for _, f0 := range []float64{55, 65.4, 82.4, 110, 155.6, 220, 311.1, 440, 523.3, 698.5, 880, 1046.5, 1318.5, 1760} {
		out = append(out, sound{fmt.Sprintf("pure %.0f", f0), 0.6, steady(f0), pure})
		for name, timbre := range voices() {
			out = append(out, sound{fmt.Sprintf("%s %.0f", name, f0), 0.6, steady(f0), timbre})
		}
	}
	return out
}

func missingFundamentals() (out []sound) {
	for _, f0 := range []float64{70, 110, 220, 440} {
		for lost := 1; lost <= 3; lost++ {
			out = append(out, sound{fmt.Sprintf("%.0f without %d partials", f0, lost), 0.6, steady(f0), without(lost)})
		}
	}
	return out
}

func moving() (out []sound) {
	leaps := melody(0.3, hz(60), hz(64), hz(67), hz(72), 0, hz(60), hz(48), hz(50), hz(62), hz(74))
	for name, timbre := range voices() {
		out = append(out,
			sound{name + " rising", 2, glide(80, 320, 2), timbre},
			sound{name + " falling", 3, glide(1000, 200, 3), timbre},
			sound{name + " swooping", 1, glide(110, 440, 1), timbre},
			sound{name + " vibrato", 2, vibrato(220, 100, 6), timbre},
			sound{name + " wide vibrato", 2, vibrato(660, 150, 5.5), timbre},
			sound{name + " low vibrato", 2, vibrato(110, 70, 7), timbre},
			sound{name + " melody", 3, leaps, timbre})
	}
	return out
}

func TestPitchOfCleanSoundsIsRightWithoutOctaveErrors(t *testing.T) {
	t.Parallel()
	for _, group := range [][]sound{tones(), missingFundamentals(), moving()} {
		for _, s := range group {
			a, curve := analyze(t, sing(s.seconds, 0.1, s.f0, s.timbre))
			if s.seconds < 1 { // steady
				cents := 1200 * math.Log2(a.Pitch.MedianHz/s.f0(0))
				require.InDelta(t, 0, cents, 3, s.name)
			}
			right, octave, falsely := accuracy(curve, s.f0)
			require.GreaterOrEqual(t, right, 0.995, s.name)
			require.Zero(t, octave, s.name)
			require.Zero(t, falsely, s.name)
		}
	}
}

func TestPitchIsFoundInWhiteNoise(t *testing.T) {
	t.Parallel()
	for _, level := range []struct{ snr, each, mean float64 }{{10, 0.99, 0.999}, {0, 0.92, 0.98}} {
		sum, n := 0.0, 0.0
		for i, s := range moving() {
			noise := white(s.seconds, 0.1*math.Pow(10, -level.snr/20), uint64(i))
			_, curve := analyze(t, mix(sing(s.seconds, 0.1, s.f0, s.timbre), noise))
			right, octave, falsely := accuracy(curve, s.f0)
			require.GreaterOrEqual(t, right, level.each, "%s at %g dB", s.name, level.snr)
			require.LessOrEqual(t, octave, 0.01, "%s at %g dB", s.name, level.snr)
			require.LessOrEqual(t, falsely, 0.05, "%s at %g dB", s.name, level.snr)
			sum += right
			n++
		}
		t.Logf("%g dB: %.4f of the frames within 50 cents", level.snr, sum/n)
		require.GreaterOrEqual(t, sum/n, level.mean, "at %g dB", level.snr)
	}
}

// lowPassed returns white noise through a one-pole filter: the nearer the pole is to 1,
// the lower the noise.
func lowPassed(pole float64) []float64 {
	x, y := white(5, 0.3, 3), 0.0
	for i := range x {
		y = pole*y + (1-pole)*x[i]
		x[i] = y
	}
	return x
}

func TestNoiseIsNotVoiced(t *testing.T) {
	t.Parallel()
	for name, x := range map[string][]float64{
		"white": white(10, 0.1, 1), "clipped": white(5, 2, 2), "faint": white(5, 0.0004, 3),
		"pink": lowPassed(0.9), "brown": lowPassed(0.99), "rumble": lowPassed(0.999),
		"clicks": clicks(5, 120), "hiss": lowPassed(-0.9),
	} {
		a, curve := analyze(t, x)
		require.LessOrEqual(t, a.Pitch.VoicedRatio, 0.02, name)
		sum := 0.0
		for _, v := range curve.Voicing {
			sum += float64(v)
		}
		require.Less(t, sum/float64(len(curve.Voicing)), 0.1, name)
	}
}

// sibilant returns noise in a band, like an s or sh.
func sibilant(seconds, centre, width float64) []float64 {
	r := math.Exp(-math.Pi * width / sampleRate)
	b1, b2 := 2*r*math.Cos(2*math.Pi*centre/sampleRate), -r*r
	x := white(seconds, 0.01, 5)
	for i := 2; i < len(x); i++ {
		x[i] += b1*x[i-1] + b2*x[i-2]
	}
	return x
}

func TestSibilantsAreNoHighNotes(t *testing.T) {
	t.Parallel()
	for _, centre := range []float64{1600, 2500, 3500, 5000} {
		a, _ := analyze(t, sibilant(5, centre, 700))
		require.LessOrEqual(t, a.Pitch.VoicedRatio, 0.05, "%g Hz", centre)
	}
}

func TestPitchCurveKeepsTimeAndFrameCount(t *testing.T) {
	t.Parallel()
	step := melody(1, hz(57), hz(69)) // A3 until 0.9 s, A4 from 1 s
	_, curve := analyze(t, sing(2, 0.1, step, ah()))
	require.Len(t, curve.F0Hz, 200)
	require.Len(t, curve.Voicing, 200)
	require.InDelta(t, 0.01, curve.HopS, 1e-12)
	first := 0
	for i, f0 := range curve.F0Hz {
		if f0 > 400 {
			first = i
			break
		}
	}
	require.InDelta(t, 100, first, 3)
	_, rising := analyze(t, sing(2, 0.1, glide(100, 400, 2), ah()))
	require.InDelta(t, 200, rising.F0Hz[100], 1, "a glide is neither early nor late")
	require.Greater(t, rising.Voicing[100], float32(0.95))
}

func TestHumFarBelowTheVoiceIsSilence(t *testing.T) {
	t.Parallel()
	song := melody(0.5, hz(64), 0, hz(67), 0, hz(72), 0)
	x := mix(sing(3, 0.2, song, ah()), sing(3, 0.2*math.Pow(10, -52.0/20), steady(100), sawtooth))
	a, curve := analyze(t, x)
	_, _, falsely := accuracy(curve, song)
	require.Zero(t, falsely)
	require.Equal(t, "E4", a.Pitch.LowNote)
}

func TestVocalRangeAndTessitura(t *testing.T) {
	t.Parallel()
	// 2 of 100 parts at each end, 8 next to them, the rest in the middle.
	song := func(at float64) float64 {
		switch at = math.Mod(at, 10); {
		case at < 0.3:
			return hz(48)
		case at < 1.5:
			return hz(55)
		case at < 8.5:
			return hz(60)
		case at < 9.7:
			return hz(64)
		default:
			return hz(72)
		}
	}
	a, _ := analyze(t, sing(10, 0.1, song, ah()))
	p := a.Pitch
	require.Equal(t, "C3", p.LowNote)
	require.Equal(t, "C5", p.HighNote)
	require.InDelta(t, hz(48), p.MinHz, 1)
	require.InDelta(t, hz(72), p.MaxHz, 2)
	require.InDelta(t, hz(55), p.TessituraLowHz, 1)
	require.InDelta(t, hz(64), p.TessituraHighHz, 1)
	require.InDelta(t, hz(60), p.MedianHz, 1)
	require.Greater(t, p.VoicedRatio, 0.98)
}

func TestVoicedRatioIsTheShareOfSinging(t *testing.T) {
	t.Parallel()
	x := append(sing(3, 0.1, steady(200), ee()), make([]float64, sampleRate)...)
	a, _ := analyze(t, x)
	require.InDelta(t, 0.75, a.Pitch.VoicedRatio, 0.02)
}
