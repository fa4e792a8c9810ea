package media

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
	"orak/test/leaks"
)

// shared has the recordings, which are made once for all tests of the package and
// only read.
var shared struct {
	dir     string
	once    sync.Once
	corpus  []mediatest.Sample
	hostile []mediatest.HostileSample
}

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	if dir := os.Getenv(orphanEnv); dir != "" {
		return beKilled(dir)
	}
	if len(os.Args) == 3 && os.Args[1] == escapeArgument {
		return tryToEscape(os.Args[2])
	}
	dir, err := os.MkdirTemp("", "orak-media-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	shared.dir = dir
	return leaks.Run(m)
}

func makeShared(t *testing.T) {
	t.Helper()
	shared.once.Do(func() {
		shared.corpus = mediatest.Generate(t, shared.dir)
		shared.hostile = mediatest.Hostile(t, shared.dir)
	})
}

// corpus returns the tune in every accepted format.
func corpus(t *testing.T) []mediatest.Sample {
	t.Helper()
	makeShared(t)
	return slices.Clone(shared.corpus)
}

// recording returns the one of corpus with that name.
func recording(t *testing.T, name string) mediatest.Sample {
	t.Helper()
	for _, s := range corpus(t) {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no recording %s", name)
	return mediatest.Sample{}
}

func hostile(t *testing.T) []mediatest.HostileSample {
	t.Helper()
	makeShared(t)
	return slices.Clone(shared.hostile)
}

// otherFFmpeg names a folder with another build of ffmpeg and ffprobe, by which all
// tests convert. Recordings are made by the one in PATH, which has encoders.
const otherFFmpeg = "ORAK_TEST_FFMPEG"

// testConfig returns the defaults with a short MaxDuration.
func testConfig() Config {
	cfg := installedConfig()
	if dir := os.Getenv(otherFFmpeg); dir != "" {
		cfg.FFmpeg, cfg.FFprobe = filepath.Join(dir, "ffmpeg"), filepath.Join(dir, "ffprobe")
	}
	return cfg
}

// installedConfig is testConfig with the ffmpeg in PATH.
func installedConfig() Config {
	return Config{
		FFmpeg: "ffmpeg", FFprobe: "ffprobe",
		MaxDuration: 10 * time.Minute, Timeout: 2 * time.Minute,
		MaxMemory: 512 << 20, Fence: true,
	}
}

func newConverter(t *testing.T, cfg Config) *Converter {
	t.Helper()
	c, err := New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	return c
}

// requireClass asserts that err is a Fault of that class whose message may be shown
// to the owner of the upload, and returns it.
func requireClass(t *testing.T, class orak.Class, err error) *orak.Fault {
	t.Helper()
	require.Error(t, err)
	var f *orak.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, class, f.Class, "%v", err)
	require.NotEmpty(t, f.Message)
	require.LessOrEqual(t, len(f.Message), orak.MaxMessage)
	require.NotContains(t, f.Message, "/", "a path must not reach the caller")
	return f
}

// requireEmpty asserts that nothing was left in the folder.
func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func head(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b[:min(len(b), SniffLen)]
}

// script writes a program that replaces ffmpeg or ffprobe.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	writeProgram(t, path, "#!/bin/sh\n"+body)
	return path
}

// writeProgram writes an executable file. No child may be started meanwhile: it
// would inherit the file open for writing for a moment, and the kernel executes no
// such file.
func writeProgram(t *testing.T, path, content string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o700))
}
