package media

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

func TestConvertTakesEveryAcceptedFormat(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	samples := corpus(t)
	seen := map[string]bool{}
	for _, s := range samples {
		seen[s.MediaType] = true
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			f, ok := Sniff(head(t, s.Path))
			require.True(t, ok)
			require.Equal(t, s.Format, f.Name)
			require.Equal(t, s.MediaType, f.MediaType)

			dir := t.TempDir()
			dst := filepath.Join(dir, "audio.wav")
			var last float64
			audio, err := c.Convert(t.Context(), s.Path, dst, orak.Limits{}, func(done float64) { last = done })
			require.NoError(t, err)
			require.Equal(t, s.Codec, audio.Codec)
			require.InDelta(t, mediatest.Seconds, audio.DurationS, 0.12)
			require.Equal(t, []orak.Damage{}, audio.Damage)
			require.Positive(t, audio.SampleRateHz)
			require.Positive(t, audio.Channels)
			require.InDelta(t, 1, last, 0)

			requireTune(t, dst, audio.DurationS)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, "no temporary file is left")
		})
	}
	for _, accepted := range Accepted() {
		require.True(t, seen[accepted], "%s is tested", accepted)
	}
	require.Len(t, seen, len(Accepted()))
}

// requireTune asserts that the WAV has the reported samples and the first and last
// note of the tune.
func requireTune(t *testing.T, path string, seconds float64) {
	t.Helper()
	n, err := countSamples(path)
	require.NoError(t, err)
	require.InDelta(t, seconds*sampleRate, float64(n), 0.5)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	pcm := make([]float64, n)
	for i := range pcm {
		pcm[i] = float64(int16(uint16(b[wavHeader+2*i]) | uint16(b[wavHeader+2*i+1])<<8))
	}
	first, last := pcm[2400:6400], pcm[3*sampleRate+sampleRate/2+2400:][:4000]
	require.Greater(t, power(first, mediatest.LowHz), 20*power(first, mediatest.LowHz*1.19))
	require.Greater(t, power(last, mediatest.HighHz), 20*power(last, mediatest.HighHz*1.19))
}

// power returns the power of one frequency.
func power(pcm []float64, hz float64) float64 {
	var re, im float64
	for i, v := range pcm {
		at := 2 * math.Pi * hz * float64(i) / sampleRate
		window := 1 - math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		re, im = re+v*window*math.Cos(at), im+v*window*math.Sin(at)
	}
	return re*re + im*im
}

func TestConvertKeepsTheAudioOfATruncatedFile(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	dir := t.TempDir()
	for _, whole := range corpus(t) {
		s := mediatest.Truncate(t, whole, dir, 0.6)
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			audio, err := c.Convert(t.Context(), s.Path, filepath.Join(out, "audio.wav"), orak.Limits{}, nil)
			if s.IndexLast {
				f := requireClass(t, orak.ClassInput, err)
				require.Contains(t, f.Message, "cut off")
				requireEmpty(t, out)
				return
			}
			require.NoError(t, err)
			require.Contains(t, audio.Damage, orak.DamageTruncated)
			require.Greater(t, audio.DurationS, 0.5)
			require.Less(t, audio.DurationS, 0.9*mediatest.Seconds)
			declares := slices.Contains([]string{".wav", ".w64", ".aifc", ".caf", ".flac", ".m4a", ".mov"}, filepath.Ext(s.Path))
			require.True(t, audio.MissingS > 0 || !declares, "a length is declared")
			if audio.MissingS > 0 {
				require.InDelta(t, mediatest.Seconds, audio.DurationS+audio.MissingS, 0.1)
			}
		})
	}
}

func TestConvertBoundsHostileFiles(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	for _, s := range hostile(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			f, ok := Sniff(head(t, s.Path))
			require.Equal(t, s.Format, f.Name)
			require.Equal(t, s.Format != "", ok)

			out := t.TempDir()
			audio, err := c.Convert(t.Context(), s.Path, filepath.Join(out, "audio.wav"), orak.Limits{}, nil)
			if s.Refused {
				f := requireClass(t, orak.ClassInput, err)
				require.NotContains(t, f.Error(), mediatest.Secret)
				requireEmpty(t, out)
				return
			}
			require.NoError(t, err)
			require.InDelta(t, mediatest.Seconds, audio.DurationS, 0.01)
		})
	}
}

// The arguments must suffice, should a playlist ever pass the detection.
func TestNoDemuxerFollowsAPlaylist(t *testing.T) {
	t.Parallel()
	// Landlock would refuse the second file, too: here only the arguments may.
	cfg := testConfig()
	cfg.Fence = false
	c := newConverter(t, cfg)
	formats := []Format{formatWebM, formatMP4, formatMP3, formatWAV}
	for _, s := range hostile(t) {
		if s.Format != "" && s.Name != "riff-playlist.wav" {
			continue // has audio, and refers to no other file
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open(s.Path)
			require.NoError(t, err)
			defer file.Close()
			for _, f := range formats {
				out := t.TempDir()
				in := input{source: source{path: s.Path, format: f}, window: &window{r: file}}
				_, err := c.convert(t.Context(), in, filepath.Join(out, "audio.wav"), func(float64) {})
				fault := requireClass(t, orak.ClassInput, err)
				require.NotContains(t, fault.Error(), mediatest.Secret)
				requireEmpty(t, out)

				// ffmpeg must refuse it, too, should ffprobe ever accept it.
				_, err = c.encode(t.Context(), in.source, selection{stream{specifier: "0", channels: 1}, allChannels}, filepath.Join(out, "direct.wav"), func(float64) {})
				requireClass(t, orak.ClassInput, err)
			}
		})
	}
}
