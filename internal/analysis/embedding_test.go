package analysis

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// recordings that differ in who sings and what.
func recordings() map[string][]float64 {
	low := melody(0.4, hz(45), hz(48), hz(52), hz(50), hz(45), 0, hz(47), hz(45))
	high := melody(0.3, hz(69), hz(72), hz(76), 0, hz(74), hz(72), hz(71), hz(69))
	return map[string][]float64{
		"bass, ah":       sing(3.2, 0.1, low, ah()),
		"soprano, ee":    sing(2.4, 0.1, high, ee()),
		"soprano, oo":    sing(2.4, 0.1, high, oo()),
		"tenor, vibrato": sing(3, 0.1, vibrato(220, 80, 5.5), ah()),
		"chords":         cadence(50, false, sawtooth),
		"noise":          white(3, 0.1, 1),
		"clicks":         clicks(5, 100),
	}
}

func embedded(t *testing.T, x []float64) []float32 {
	t.Helper()
	a, _ := analyze(t, x)
	require.Equal(t, EmbeddingName, a.Embedding.Name)
	require.Equal(t, EmbeddingVersion, a.Embedding.Version)
	require.Len(t, a.Embedding.Values, EmbeddingSize)
	return a.Embedding.Values
}

// throughMP3 returns x after an MP3 encoder, as of a phone.
func throughMP3(t *testing.T, x []float64) []float64 {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "out.raw")
	require.NoError(t, os.WriteFile(in, encode(x), 0o600))
	mp3 := filepath.Join(dir, "x.mp3")
	for _, args := range [][]string{
		{"-i", "file:" + in, "-b:a", "48k", "file:" + mp3},
		{"-i", "file:" + mp3, "-f", "s16le", "-ar", "16000", "-ac", "1", "file:" + out},
	} {
		b, err := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-loglevel", "error"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(b))
	}
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	y := make([]float64, len(raw)/2)
	for i := range y {
		y[i] = float64(int16(uint16(raw[2*i])|uint16(raw[2*i+1])<<8)) / 32768
	}
	return y
}

func TestEmbeddingRecognizesARecording(t *testing.T) {
	t.Parallel()
	all := map[string][]float32{}
	for name, x := range recordings() {
		all[name] = embedded(t, x)
		require.InDelta(t, 1, cosine(all[name], all[name]), 1e-5, name)
	}
	for name, x := range recordings() {
		for how, changed := range map[string][]float64{
			"12 dB softer": scale(append([]float64{}, x...), 0.25),
			"6 dB louder":  scale(append([]float64{}, x...), 2),
			"as MP3":       throughMP3(t, x),
			"in a room":    mix(x, white(5, 0.0005, 3)),
		} {
			again := embedded(t, changed)
			same := cosine(all[name], again)
			require.Greater(t, same, 0.85, "%s, %s", name, how)
			for other, v := range all {
				if other != name {
					require.Less(t, cosine(v, again), same, "%s, %s, is not %s", name, how, other)
				}
			}
		}
	}
}

func TestEmbeddingSeparatesRecordings(t *testing.T) {
	t.Parallel()
	all := recordings()
	bass, soprano, tenor := embedded(t, all["bass, ah"]), embedded(t, all["soprano, ee"]), embedded(t, all["tenor, vibrato"])
	require.Less(t, cosine(bass, soprano), 0.7)
	require.Less(t, cosine(bass, embedded(t, all["noise"])), 0.5)
	require.Less(t, cosine(tenor, soprano), 0.8)
}

func TestEmbeddingOfSilenceIsZero(t *testing.T) {
	t.Parallel()
	for _, x := range [][]float64{nil, make([]float64, 5*sampleRate), white(2, 0.00003, 1)} {
		require.Equal(t, make([]float32, EmbeddingSize), embedded(t, x))
	}
}

func TestAnalysisIsDeterministic(t *testing.T) {
	t.Parallel()
	x := mix(recordings()["soprano, ee"], white(3, 0.01, 1))
	first, firstCurve := analyze(t, x)
	for range 3 {
		again, curve := analyze(t, x)
		require.Equal(t, first, again)
		require.Equal(t, firstCurve, curve)
	}
	require.False(t, math.Signbit(first.Pitch.MedianHz))
}
