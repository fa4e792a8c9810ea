package media

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

// BenchmarkConvert reports the processor time, in ms, of converting a recording of
// one second: of this process and its children together. The ways take turns, so
// that their ratio is of the same minutes. That of the other build is reported if
// ORAK_TEST_FFMPEG names it.
func BenchmarkConvert(b *testing.B) {
	for _, recipe := range [][]string{
		{"opus.webm", "-c:a", "libopus", "-f", "webm"},
		{"aac.m4a", "-c:a", "aac", "-f", "ipod"},
		{"tune.mp3", "-c:a", "libmp3lame"},
		{"tune.flac", "-c:a", "flac"},
		{"tune.wav", "-c:a", "pcm_s16le"},
	} {
		b.Run(recipe[0], func(b *testing.B) {
			in := []string{"-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*220*t):s=48000:d=1"}
			path := mediatest.Make(b, b.TempDir(), recipe[0], append(in, recipe[1:]...)...)
			ways := []way{{"installed-2", installedConfig(), true, 0}, {"installed-1", installedConfig(), false, 0}}
			if os.Getenv(otherFFmpeg) != "" {
				ways = append(ways, way{"other-2", testConfig(), true, 0}, way{"other-1", testConfig(), false, 0})
			}
			for b.Loop() {
				for i := range ways {
					ways[i].convert(b, path)
				}
			}
			for _, w := range ways {
				b.ReportMetric(float64(w.took.Microseconds())/1000/float64(b.N), w.name+"-ms")
			}
			b.ReportMetric(float64(ways[0].took)/float64(ways[len(ways)-1].took), "ratio")
		})
	}
}

// way is a way to convert: by one build of ffmpeg, in one start or in two.
type way struct {
	name       string
	cfg        Config
	probeFirst bool
	took       time.Duration
}

func (w *way) convert(b *testing.B, path string) {
	c, err := New(w.cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(b, err)
	c.probeFirst.Store(w.probeFirst)
	before := processorTime(b)
	_, err = c.Convert(b.Context(), path, filepath.Join(b.TempDir(), "audio.wav"), orak.Limits{}, nil)
	require.NoError(b, err)
	w.took += processorTime(b) - before
}

// processorTime is that of this process and of its children that have ended.
func processorTime(b *testing.B) time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		require.NoError(b, syscall.Getrusage(who, &used))
		total += time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	return total
}
