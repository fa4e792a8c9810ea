package analysis

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// byFFmpeg measures with ffmpeg's own ebur128 filter.
func byFFmpeg(t *testing.T, x []float64) orak.Loudness {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.wav")
	require.NoError(t, os.WriteFile(file, encode(x), 0o600))
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-nostats", "-i", "file:"+file,
		"-filter:a", "ebur128=peak=true:framelog=verbose", "-f", "null", "-").CombinedOutput()
	require.NoError(t, err, string(out))
	number := func(pattern string) float64 {
		m := regexp.MustCompile(pattern).FindSubmatch(out)
		require.NotNil(t, m, string(out))
		v, err := strconv.ParseFloat(string(m[1]), 64)
		require.NoError(t, err)
		return v
	}
	return orak.Loudness{
		IntegratedLUFS: number(`Integrated loudness:\s+I:\s+(-?[0-9.]+) LUFS`),
		TruePeakDBTP:   number(`True peak:\s+Peak:\s+(-?[0-9.]+) dBFS`),
	}
}

func TestLoudnessAgreesWithFFmpeg(t *testing.T) {
	t.Parallel()
	song := melody(0.4, hz(60), hz(64), 0, hz(67), hz(72), 0, 0, hz(55))
	quietAndLoud := append(sing(4, 0.2, song, ah()), sing(4, 0.02, song, oo())...)
	for name, x := range map[string][]float64{
		"song":              sing(3, 0.1, song, ah()),
		"loud and quiet":    quietAndLoud,
		"a long pause":      append(sing(3, 0.1, song, ee()), make([]float64, 5*sampleRate)...),
		"white noise":       white(5, 0.1, 1),
		"clipped noise":     white(3, 0.8, 2),
		"a high tone":       sing(3, 0.5, steady(5001), pure),
		"a low tone":        sing(3, 0.3, steady(50), pure),
		"full scale square": square(3),
		"faint":             sing(4, 0.001, song, ah()),
		"between samples":   sing(3, 0.5, steady(4000), pure),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A cut rings between the samples; ffmpeg does not measure past the last
			// one.
			fade := len(x) - 800
			for i := range x[fade:] {
				x[fade+i] *= 1 - float64(i)/800
			}
			want := byFFmpeg(t, x)
			got, _ := analyze(t, x)
			require.InDelta(t, want.IntegratedLUFS, got.Loudness.IntegratedLUFS, 0.1)
			require.InDelta(t, want.TruePeakDBTP, got.Loudness.TruePeakDBTP, 0.2)
		})
	}
}

func square(seconds float64) []float64 {
	x := make([]float64, int(seconds*sampleRate))
	for i := range x {
		x[i] = 1
		if i/40%2 == 1 {
			x[i] = -1
		}
	}
	return x
}

func TestKWeightingMatchesTheRecommendationAt48kHz(t *testing.T) {
	t.Parallel()
	shelf, pass := kWeighting(48000)
	for name, v := range map[string][2]float64{
		"b0": {shelf.b0, 1.53512485958697}, "b1": {shelf.b1, -2.69169618940638}, "b2": {shelf.b2, 1.19839281085285},
		"a1": {shelf.a1, -1.69065929318241}, "a2": {shelf.a2, 0.73248077421585},
		"high-pass a1": {pass.a1, -1.99004745483398}, "high-pass a2": {pass.a2, 0.99007225036621},
	} {
		require.InDelta(t, v[1], v[0], 1e-9, name)
	}
}

// The recommendation's own calibration: a sine of 997 Hz at 0 dBFS in one
// channel reads -3.01 LKFS.
func TestLoudnessOfTheCalibrationTone(t *testing.T) {
	t.Parallel()
	x := sing(5, math.Sqrt2/2, steady(997), pure)
	a, _ := analyze(t, x)
	require.InDelta(t, -3.01, a.Loudness.IntegratedLUFS, 0.05)
	require.InDelta(t, 0, a.Loudness.TruePeakDBTP, 0.1)
}

func TestTruePeakLiesBetweenSamples(t *testing.T) {
	t.Parallel()
	// A quarter of the sampling rate, at 45°: every sample is at 0.707.
	x := make([]float64, sampleRate)
	for i := range x {
		x[i] = 0.5 * math.Sin(math.Pi/2*float64(i)+math.Pi/4)
	}
	a, _ := analyze(t, x)
	require.InDelta(t, 20*math.Log10(0.5), a.Loudness.TruePeakDBTP, 0.1)
}

// The phases that run skips cannot have the peak: an exhaustive search finds the
// same.
func TestTruePeakCoversEveryPhase(t *testing.T) {
	t.Parallel()
	alternating := constant(sampleRate, 0.9)
	scaleOdd(alternating)
	bursts := make([]float64, sampleRate)
	for i := 100; i < len(bursts); i += 997 {
		copy(bursts[i:], white(0.002, float64(i)/sampleRate/10, uint64(i)))
	}
	for name, x := range map[string][]float64{
		"noise": white(1, 0.2, 1), "clipped": white(1, 2, 2), "bursts": bursts, "square": square(1), "alternating": alternating,
		"high": sing(1, 0.3, glide(3000, 7900, 1), pure), "voice": sing(1, 0.2, vibrato(220, 80, 5), ah()), "impulse": append(make([]float64, 999), 1),
	} {
		m := newPeakMeter(fastest())
		for at := 0; at < len(x); at += blockSize {
			m.push(x[at:min(at+blockSize, len(x))])
		}
		got := m.result()
		every := newPeakMeter(plainKernels())
		padded := append(append(make([]float64, peakTaps-1), x...), make([]float64, peakTaps)...)
		top := magnitude(padded)
		for i := range len(padded) - peakTaps + 1 {
			window := (*[peakTaps]float64)(padded[i:])
			var between [1]float64
			halfway(between[:], window[:], &every.half)
			top = max(top, math.Abs(between[0]), every.quarters(window))
		}
		require.InDelta(t, decibels(top*top, silentPeak), got, 1e-9, name)
	}
}

func TestPauseIsGatedOut(t *testing.T) {
	t.Parallel()
	x := sing(5, 0.1, steady(220), ah())
	alone, _ := analyze(t, x)
	padded, _ := analyze(t, append(x, make([]float64, 20*sampleRate)...))
	require.InDelta(t, alone.Loudness.IntegratedLUFS, padded.Loudness.IntegratedLUFS, 0.3)
}

func TestLoudnessOfARecordingShorterThanABlock(t *testing.T) {
	t.Parallel()
	long, _ := analyze(t, sing(3, 0.1, steady(1000), pure))
	short, _ := analyze(t, sing(0.25, 0.1, steady(1000), pure))
	require.InDelta(t, long.Loudness.IntegratedLUFS, short.Loudness.IntegratedLUFS, 0.5)
}
