package analysis

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// pink returns noise that falls by 3 dB an octave (P. Kellet's "economy" filter).
func pink(seconds, level float64, seed uint64) []float64 {
	x := white(seconds, 1, seed)
	var low, middle, high, power float64
	for i, v := range x {
		low = 0.99765*low + 0.0990460*v
		middle = 0.96300*middle + 0.2965164*v
		high = 0.57000*high + 1.0526913*v
		x[i] = low + middle + high + 0.1848*v
		power += x[i] * x[i]
	}
	return scale(x, level/math.Sqrt(power/float64(len(x))))
}

func TestPitchIsFoundInPinkNoise(t *testing.T) {
	t.Parallel()
	right, n := 0.0, 0.0
	for i, s := range moving() {
		_, curve := analyze(t, mix(sing(s.seconds, 0.1, s.f0, s.timbre), pink(s.seconds, 0.1, uint64(i))))
		share, _, falsely := accuracy(curve, s.f0)
		require.LessOrEqual(t, falsely, 0.02, s.name)
		right += share
		n++
	}
	t.Logf("%.4f of the frames within 50 cents", right/n)
	require.GreaterOrEqual(t, right/n, 0.95)
}

func TestSoftNotesAreFoundInNoise(t *testing.T) {
	t.Parallel()
	tune := melody(0.6, hz(57), hz(60), 0, hz(64), hz(62), 0, hz(67), hz(57))
	song := slices.Concat(sing(4.8, 0.1, tune, ah()), sing(4.8, 0.05, tune, ah()))
	twice := func(at float64) float64 { return tune(math.Mod(at, 4.8)) }
	_, curve := analyze(t, mix(song, white(9.6, 0.1, 4)))
	right, _, falsely := accuracy(curve, twice)
	require.GreaterOrEqual(t, right, 0.9)
	require.LessOrEqual(t, falsely, 0.02)
}

func TestSteadyToneIsNotTakenForNoise(t *testing.T) {
	t.Parallel()
	for name, timbre := range map[string]spectrum{"pure": pure, "ah": ah(), "oo": oo()} {
		for _, f0 := range []float64{60, 110, 220, 700} {
			for _, noise := range []float64{0, 0.01} {
				name := fmt.Sprintf("%s at %g Hz, noise of %g", name, f0, noise)
				a, curve := analyze(t, mix(sing(8, 0.1, steady(f0), timbre), white(8, noise, 9)))
				right, _, _ := accuracy(curve, steady(f0))
				require.GreaterOrEqual(t, right, 0.99, name)
				require.InDelta(t, 0, 1200*math.Log2(a.Pitch.MedianHz/f0), 10, name)
			}
		}
	}
}

func TestNoiseFloorIsThePowerOfTheNoise(t *testing.T) {
	t.Parallel()
	tune := melody(0.5, hz(57), hz(60), hz(64), hz(62), hz(67), hz(57), hz(60), hz(64))
	for name, x := range map[string][]float64{
		"noise": white(4, 0.1, 7), "under a song": mix(white(4, 0.1, 7), sing(4, 0.1, tune, ah())),
	} {
		track := newPitchTrack(Config{}.withDefaults(), plainKernels())
		track.push(newHalver(plainKernels()).push(x))
		window := hann(pitchFrame)
		want := 0.01 / 2 * plainKernels().dot(window, window) // half of the power is left at half of the rate
		sum := 0.0
		for _, v := range track.spectra.noise.floor[20:350] {
			sum += v / oversubtraction / 330
		}
		require.InDelta(t, 0, 10*math.Log10(sum/want), 1.5, name)
	}
}

func TestNthAgreesWithSorting(t *testing.T) {
	t.Parallel()
	for n := 1; n < 40; n++ {
		x := white(float64(n)/sampleRate, 1, uint64(n))
		x[n/2] = x[0]
		sorted := slices.Sorted(slices.Values(x))
		for k := range sorted {
			require.Equal(t, sorted[k], nth(slices.Clone(x), k))
		}
	}
}
