package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

// requireSameInTwoStarts converts a file and asserts that the ffmpeg in PATH gives
// every sample of it, or the same refusal, if it probes the file first.
func requireSameInTwoStarts(t *testing.T, path string) ([]byte, orak.Audio, error) {
	t.Helper()
	convert := func(c *Converter) ([]byte, orak.Audio, error) {
		dst := filepath.Join(t.TempDir(), "audio.wav")
		audio, err := c.Convert(t.Context(), path, dst, orak.Limits{}, nil)
		if err != nil {
			return nil, audio, err
		}
		wav, err := os.ReadFile(dst)
		require.NoError(t, err)
		return wav, audio, nil
	}
	wav, audio, err := convert(newConverter(t, testConfig()))
	probing := newConverter(t, installedConfig())
	probing.probeFirst.Store(true)
	wantWAV, wantAudio, wantErr := convert(probing)
	if wantErr != nil {
		var want *orak.Fault
		require.ErrorAs(t, wantErr, &want)
		require.Equal(t, want.Message, requireClass(t, want.Class, err).Message)
		return nil, audio, err
	}
	require.NoError(t, err)
	require.Equal(t, wantAudio, audio)
	require.Equal(t, len(wantWAV), len(wav))
	for i := range wav {
		require.Equal(t, wantWAV[i], wav[i], "byte %d", i) // not all bytes in the failure
	}
	return wav, audio, nil
}

func TestEveryFormatHasTheSameSamplesInOneStart(t *testing.T) {
	t.Parallel()
	samples, dir := corpus(t), t.TempDir()
	for _, s := range corpus(t) {
		samples = append(samples, mediatest.Truncate(t, s, dir, 0.6))
	}
	for _, s := range hostile(t) {
		samples = append(samples, s.Sample)
	}
	for _, s := range samples {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			_, _, _ = requireSameInTwoStarts(t, s.Path) // a refusal is compared, too
		})
	}
}

// withoutFFprobe is a converter that fails where it has to probe a file.
func withoutFFprobe(t *testing.T) *Converter {
	cfg := testConfig()
	cfg.FFprobe = "no-such-ffprobe"
	return newConverter(t, cfg)
}

func TestOrdinaryRecordingsTakeOneStart(t *testing.T) {
	t.Parallel()
	c := withoutFFprobe(t)
	for _, s := range corpus(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Convert(t.Context(), s.Path, filepath.Join(t.TempDir(), "audio.wav"), orak.Limits{}, nil)
			if s.Name == "surround.wav" {
				requireClass(t, orak.ClassDependency, err)
				return
			}
			require.NoError(t, err)
		})
	}
}

// The texts of a file are in ffmpeg's log, with their ends of lines.
func TestTitlesCannotImitateWhatFFmpegReports(t *testing.T) {
	t.Parallel()
	const lie = "x\n[info]   Duration: 09:00:00.00, start: 0, bitrate: 1 kb/s\n[info] 5.000000\n#codec_id 1: mp3\n#channel_layout_name 0: 5.1\n"
	for name, args := range map[string][]string{
		"lie.mka":  {"-c:a", "flac", "-f", "matroska"},
		"lie.mp3":  {"-c:a", "libmp3lame"},
		"lie.flac": {"-c:a", "flac"},
		"lie.m4a":  {"-c:a", "aac", "-movflags", "+use_metadata_tags", "-f", "ipod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := sound(t, name, 220, 3, append([]string{"-metadata", "title=" + lie, "-metadata", lie + "=" + lie}, args...)...)
			c := convertFile(t, path)
			require.Equal(t, 1, c.Tracks)
			require.Equal(t, 1, c.Channels)
			require.InDelta(t, 3, c.DurationS, 0.1)
			require.NotContains(t, c.Damage, orak.DamageTruncated)
		})
	}
}

func TestFilmThatIsLongerThanItsSoundIsWhole(t *testing.T) {
	t.Parallel()
	path := sound(t, "film.mp4", 220, 3, "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=8", "-c:a", "aac", "-c:v", "mpeg4", "-f", "mp4")
	c := convertFile(t, path)
	require.Empty(t, c.Damage)
	require.InDelta(t, 3, c.DurationS, 0.1)
}

func TestOutlineAcceptsOnlyOneOrdinaryStream(t *testing.T) {
	t.Parallel()
	const mono = "#tb 0: 1/48000\n#media_type 0: audio\n#codec_id 0: opus\n#sample_rate 0: 48000\n#channel_layout_name 0: mono\n"
	tests := map[string]struct {
		said string
		ok   bool
	}{
		"mono":               {mono, true},
		"with progress":      {"bitrate=N/A\nprogress=continue\n" + mono + "0, -312, -312, 960, 3, 0x0a\nprogress=end\n", true},
		"stereo":             {strings.ReplaceAll(mono, "mono", "stereo"), true},
		"unnamed channels":   {strings.ReplaceAll(mono, "mono", "2 channels"), true},
		"two tracks":         {mono + strings.ReplaceAll(mono, " 0:", " 1:"), false},
		"six channels":       {strings.ReplaceAll(mono, "mono", "5.1"), false},
		"back channels":      {strings.ReplaceAll(mono, "mono", "2 channels (BL+BR)"), false},
		"a refused codec":    {strings.ReplaceAll(mono, "opus", "ac3"), false},
		"a refused rate":     {strings.ReplaceAll(mono, "0: 48000", "0: 1"), false},
		"a rate of no sense": {strings.ReplaceAll(mono, "0: 48000", "0: many"), false},
		"cut off":            {mono[:60], false},
		"nothing":            {"", false},
		"a long line":        {strings.Repeat("#codec_id 0: ", 1<<16) + "\n" + mono, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outline{stream: ordinary}
			var err error
			for _, c := range []byte(tt.said) { // in the smallest pieces
				if _, err = o.Write([]byte{c}); err != nil {
					break
				}
			}
			if err == nil {
				err = o.check()
			}
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, "opus", o.stream.codec)
				return
			}
			require.ErrorIs(t, err, errNeedsProbe)
			require.LessOrEqual(t, cap(o.lines.rest), 2*maxLine)
		})
	}
}

func TestFFmpegWithoutOutlinesIsProbedFirst(t *testing.T) {
	t.Parallel()
	cfg := installedConfig() // the sandbox lets a script run only installed programs
	cfg.FFmpeg = script(t, `case "$*" in *framecrc*) echo "Requested output format 'framecrc' is not a suitable output format" >&2; exit 1;; esac; exec `+cfg.FFmpeg+` "$@"`)
	c := newConverter(t, cfg)
	require.NoError(t, c.Check(t.Context()))
	require.True(t, c.probeFirst.Load())
	require.Positive(t, c.StartTime())
	_, err := c.Convert(t.Context(), recording(t, "tune.wav").Path, filepath.Join(t.TempDir(), "audio.wav"), orak.Limits{}, nil)
	require.NoError(t, err)
}
