package media

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

func TestConvertDistinguishesFaultsOfTheFileFromOthers(t *testing.T) {
	t.Parallel()
	// Its channels must be probed.
	src := recording(t, "surround.wav").Path
	tests := map[string]struct {
		ffmpeg, ffprobe string
		// unfenced lets a script kill itself, which the fence forbids.
		unfenced bool
		want     orak.Class
	}{
		"ffmpeg is missing":           {ffmpeg: "no-such-ffmpeg", want: orak.ClassDependency},
		"ffprobe is missing":          {ffprobe: "/nowhere/ffprobe", want: orak.ClassDependency},
		"ffmpeg misses a library":     {ffmpeg: script(t, "echo 'error while loading shared libraries' >&2; exit 127"), want: orak.ClassDependency},
		"ffmpeg is too old":           {ffmpeg: script(t, "echo \"Unrecognized option 'max_error_rate'.\" >&2; exit 1"), want: orak.ClassDependency},
		"ffmpeg is killed":            {ffmpeg: script(t, "kill -9 $$"), unfenced: true, want: orak.ClassTransient},
		"ffmpeg crashes":              {ffmpeg: script(t, "kill -SEGV $$"), unfenced: true, want: orak.ClassTransient},
		"ffprobe is killed":           {ffprobe: script(t, "kill -9 $$"), unfenced: true, want: orak.ClassTransient},
		"ffprobe says no JSON":        {ffprobe: script(t, "echo hello"), want: orak.ClassInternal},
		"memory runs out":             {ffmpeg: script(t, "echo 'Cannot allocate memory' >&2; exit 1"), want: orak.ClassTransient},
		"ffmpeg cannot decode":        {ffmpeg: script(t, "echo 'Invalid data found' >&2; exit 1"), want: orak.ClassInput},
		"ffmpeg succeeds in silence":  {ffmpeg: script(t, "exit 0"), want: orak.ClassInput},
		"ffmpeg writes something odd": {ffmpeg: script(t, `for last; do :; done; echo odd > "${last#file:}"`), want: orak.ClassTransient},
		"ffprobe answers at length":   {ffprobe: script(t, "while echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; do :; done"), want: orak.ClassInput},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.Fence = !tt.unfenced
			if tt.ffmpeg != "" {
				cfg.FFmpeg = tt.ffmpeg
			}
			if tt.ffprobe != "" {
				cfg.FFprobe = tt.ffprobe
			}
			dir := t.TempDir()
			_, err := newConverter(t, cfg).Convert(t.Context(), src, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
			requireClass(t, tt.want, err)
			requireEmpty(t, dir)
		})
	}
}

func TestFullDiskIsADependencyFault(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	s := source{path: recording(t, "tune.flac").Path, format: formatFLAC}
	_, err := c.encode(t.Context(), s, selection{stream{specifier: "0", channels: 1}, allChannels}, "/dev/full", func(float64) {})
	requireClass(t, orak.ClassDependency, err)

	err = diskFault("syncing", &fs.PathError{Op: "sync", Path: "x", Err: syscall.ENOSPC})
	requireClass(t, orak.ClassDependency, err)
}

func TestFailingFileSystemIsNotTheFilesFault(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	dir := t.TempDir()
	_, err := c.Convert(t.Context(), filepath.Join(dir, "gone.wav"), filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
	requireClass(t, orak.ClassTransient, err)

	_, err = c.Convert(t.Context(), recording(t, "tune.wav").Path, filepath.Join(dir, "gone", "audio.wav"), orak.Limits{}, nil)
	requireClass(t, orak.ClassTransient, err)

	// A folder is in the place of the file: nothing may be left beside it.
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "audio.wav", "x"), 0o700))
	_, err = c.Convert(t.Context(), recording(t, "tune.wav").Path, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
	requireClass(t, orak.ClassTransient, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)

	_, err = c.Convert(t.Context(), "relative.wav", "/audio.wav", orak.Limits{}, nil)
	requireClass(t, orak.ClassInternal, err)
}

func TestSlowMachineIsNotTheFilesFault(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Timeout = time.Second
	cfg.FFmpeg = script(t, "sleep 600")
	dir := t.TempDir()
	_, err := newConverter(t, cfg).Convert(t.Context(), recording(t, "tune.wav").Path, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
	f := requireClass(t, orak.ClassTransient, err)
	require.ErrorIs(t, err, errTooSlow)
	require.Contains(t, f.Message, "too long")
	requireEmpty(t, dir)
}

func TestCancellationKillsTheWholeProcessGroup(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	cfg := testConfig()
	cfg.Fence = false // the script writes where ffmpeg must not
	cfg.FFmpeg = script(t, "sleep 600 &\necho $! $$ > "+pids+".new\nmv "+pids+".new "+pids+"\nwait")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src := recording(t, "tune.wav").Path
	done := make(chan error, 1)
	go func() {
		_, err := newConverter(t, cfg).Convert(ctx, src, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
		done <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(pids); return err == nil }, 30*time.Second, 10*time.Millisecond)
	cancel()
	err := <-done
	requireClass(t, orak.ClassTransient, err)
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)

	said, err := os.ReadFile(pids)
	require.NoError(t, err)
	for _, field := range strings.Fields(string(said)) {
		requireGone(t, field)
	}
}

func TestCancellationEndsFFmpegAndLeavesNoFile(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	// In real time, so that it is still running when it is cancelled.
	cfg.FFmpeg = script(t, `exec ffmpeg -re "$@"`)
	dir := t.TempDir()
	dst := filepath.Join(dir, "audio.wav")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := newConverter(t, cfg).Convert(ctx, recording(t, "tune.wav").Path, dst, orak.Limits{}, func(float64) { cancel() })
	requireClass(t, orak.ClassTransient, err)
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
	running, err := exec.Command("ps", "-A", "-o", "args=").Output()
	require.NoError(t, err)
	require.NotContains(t, string(running), dir)
}

func TestProgressIsTheAudioOnDisk(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.FFmpeg = script(t, `exec ffmpeg -re "$@"`)
	c := newConverter(t, cfg)
	collect := func(t *testing.T, name string) []float64 {
		var seen []float64
		_, err := c.Convert(t.Context(), recording(t, name).Path, filepath.Join(t.TempDir(), "audio.wav"), orak.Limits{},
			func(done float64) { seen = append(seen, done) })
		require.NoError(t, err)
		require.Greater(t, len(seen), 3)
		require.InDelta(t, 1, seen[len(seen)-1], 0)
		return seen
	}
	t.Run("of a known length", func(t *testing.T) {
		t.Parallel()
		seen := collect(t, "tune.flac")
		require.IsNonDecreasing(t, seen)
		require.GreaterOrEqual(t, seen[0], 0.0)
	})
	t.Run("of an unknown length", func(t *testing.T) {
		t.Parallel()
		require.InDelta(t, -1, collect(t, "recorder.webm")[0], 0)
	})
}

func TestConvertReplacesAnEarlierResult(t *testing.T) {
	t.Parallel()
	dst := filepath.Join(t.TempDir(), "audio.wav")
	require.NoError(t, os.WriteFile(dst, []byte("left by an attempt that was killed"), 0o600))
	audio, err := newConverter(t, testConfig()).Convert(t.Context(), recording(t, "tune.caf").Path, dst, orak.Limits{}, nil)
	require.NoError(t, err)
	requireTune(t, dst, audio.DurationS)
}

func TestTooLongRecordingIsRefused(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.MaxDuration = 3 * time.Second
	dir := t.TempDir()
	_, err := newConverter(t, cfg).Convert(t.Context(), recording(t, "recorder.webm").Path, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
	f := requireClass(t, orak.ClassInput, err)
	require.Contains(t, f.Message, "longer than 3s")
	requireEmpty(t, dir)
}

func TestLimitsOfAConversionOverrideTheConfig(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.MaxDuration = 3 * time.Second
	c, src := newConverter(t, cfg), recording(t, "recorder.webm").Path
	convert := func(l orak.Limits) error {
		_, err := c.Convert(t.Context(), src, filepath.Join(t.TempDir(), "audio.wav"), l, nil)
		return err
	}
	require.NoError(t, convert(orak.Limits{MaxDuration: time.Hour}))
	requireClass(t, orak.ClassInput, convert(orak.Limits{}))
	requireClass(t, orak.ClassInternal, convert(orak.Limits{MaxDuration: 25 * time.Hour}))

	cfg.Timeout, cfg.FFmpeg = time.Second, script(t, `sleep 3; exec ffmpeg "$@"`)
	c = newConverter(t, cfg)
	long := orak.Limits{MaxDuration: time.Hour}
	requireClass(t, orak.ClassTransient, convert(long))
	long.Timeout = time.Minute
	require.NoError(t, convert(long))
}

func TestBrokenPacketsAreReportedAsDamage(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(recording(t, "faststart.m4a").Path)
	require.NoError(t, err)
	for i := len(b) / 2; i < len(b)/2+len(b)/8; i++ {
		b[i] = 0xff
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "broken.m4a")
	require.NoError(t, os.WriteFile(src, b, 0o600))
	audio, err := newConverter(t, testConfig()).Convert(t.Context(), src, filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
	require.NoError(t, err)
	require.Contains(t, audio.Damage, orak.DamageDecodeErrors)
	require.Greater(t, audio.DurationS, mediatest.Seconds/2)
}

func TestCheckDistinguishesWorkingAndMissingFFmpeg(t *testing.T) {
	t.Parallel()
	require.NoError(t, newConverter(t, testConfig()).Check(t.Context()))
	cfg := testConfig()
	cfg.FFmpeg = "no-such-ffmpeg"
	requireClass(t, orak.ClassDependency, newConverter(t, cfg).Check(t.Context()))
	cfg.FFmpeg = script(t, "echo ' A....D opus Opus'")
	err := newConverter(t, cfg).Check(t.Context())
	requireClass(t, orak.ClassDependency, err)
	require.ErrorContains(t, err, "cannot decode vorbis, aac")
	cfg = testConfig()
	cfg.FFprobe = script(t, "exit 1")
	requireClass(t, orak.ClassDependency, newConverter(t, cfg).Check(t.Context()))
}

func TestConfigRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	require.NoError(t, testConfig().Validate())
	for name, change := range map[string]func(*Config){
		"no ffmpeg":        func(c *Config) { c.FFmpeg = "" },
		"no ffprobe":       func(c *Config) { c.FFprobe = "" },
		"no length":        func(c *Config) { c.MaxDuration = 0 },
		"past WAV's limit": func(c *Config) { c.MaxDuration = 25 * time.Hour },
		"no time":          func(c *Config) { c.Timeout = 0 },
		"no memory":        func(c *Config) { c.MaxMemory = 1 },
	} {
		cfg := testConfig()
		change(&cfg)
		_, err := New(cfg, nil)
		require.Error(t, err, name)
	}
}

func TestStderrKeepsItsEndAndCountsErrors(t *testing.T) {
	t.Parallel()
	var s stderrLog
	for range 10_000 {
		_, err := s.Write([]byte("Error while decoding str"))
		require.NoError(t, err)
		_, err = s.Write([]byte("eam #0:0: Invalid data\nnoise\n"))
		require.NoError(t, err)
	}
	_, err := s.Write([]byte(strings.Repeat("x", 1<<20)))
	require.NoError(t, err)
	require.Equal(t, 10_000, s.decodeErrors)
	require.Len(t, s.tail(), maxTail)
	require.LessOrEqual(t, len(s.lines.rest), maxLine)
	require.LessOrEqual(t, cap(s.complaints), 4*maxTail)
}

// requireGone waits until a process has ended; a zombie has.
func requireGone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
			return true
		}
		state, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
		return err != nil || strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
	}, 30*time.Second, 20*time.Millisecond, "process %s is still there", pid)
}
