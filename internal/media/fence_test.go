package media

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

// orphanEnv makes the test binary a process that converts until it is killed; its
// value is the folder to work in.
const orphanEnv = "ORAK_MEDIA_TEST_ORPHAN"

func TestFencedChildSeesOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	if open := c.Open(); len(open) > 0 {
		// This system has no fence. Every other test shows that it converts all the
		// same.
		require.Equal(t, openings(), open)
		return
	}
	dir := t.TempDir()
	secret, own, out := filepath.Join(dir, "secret"), filepath.Join(dir, "own"), filepath.Join(dir, "out")
	require.NoError(t, os.WriteFile(secret, []byte(mediatest.Secret), 0o600))
	require.NoError(t, os.WriteFile(own, []byte("own file"), 0o600))
	require.NoError(t, os.WriteFile(out, nil, 0o600))
	l := c.limits(1<<20, own)
	l.write = []string{out}

	var said bytes.Buffer
	program := script(t, `cat `+own+`
cat `+secret+` && echo READ
echo x > `+out+` && echo wrote
echo x > `+own+` && echo OVERWROTE
echo x > `+filepath.Join(dir, "new")+` && echo CREATED
rm `+secret+` && echo REMOVED
exit 0`)
	require.NoError(t, run(t.Context(), program, nil, &said, new(stderrLog), l))
	require.Contains(t, said.String(), "own file")
	require.Contains(t, said.String(), "wrote")
	for _, forbidden := range []string{mediatest.Secret, "READ", "OVERWROTE", "CREATED", "REMOVED"} {
		require.NotContains(t, said.String(), forbidden)
	}
}

func TestFenceStaysOffOtherThreads(t *testing.T) {
	t.Parallel()
	c := newConverter(t, testConfig())
	dir := t.TempDir()
	for range 8 {
		require.NoError(t, run(t.Context(), "true", nil, io.Discard, new(stderrLog), c.limits(0)))
	}
	done := make(chan error, 32)
	for range cap(done) {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			f, err := os.CreateTemp(dir, "")
			if err == nil {
				err = f.Close()
			}
			done <- err
		}()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

func TestChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // only Linux signals a child when its parent dies
	}
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), orphanEnv+"="+dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tune.wav"), mediatest.WAV(16000, 1, mediatest.Tune(16000)), 0o600))
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { _, err := os.Stat(pid); return err == nil }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	child, err := os.ReadFile(pid)
	require.NoError(t, err)
	requireGone(t, strings.TrimSpace(string(child)))
}

// beKilled converts with an ffmpeg that prints its pid and never ends.
func beKilled(dir string) int {
	program, pid := filepath.Join(dir, "ffmpeg"), filepath.Join(dir, "pid")
	body := "#!/bin/sh\necho $$ > " + pid + ".new\nmv " + pid + ".new " + pid + "\nexec sleep 600\n"
	if err := os.WriteFile(program, []byte(body), 0o700); err != nil {
		return 1
	}
	cfg := testConfig()
	cfg.Fence = false
	cfg.FFmpeg = program
	c, err := New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return 1
	}
	_, err = c.Convert(context.Background(), filepath.Join(dir, "tune.wav"), filepath.Join(dir, "audio.wav"), orak.Limits{}, nil)
	if err != nil {
		return 1
	}
	return 0
}

func TestChildRunsUnderLimits(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // only Linux can limit a process from outside
	}
	cfg := testConfig()
	c := newConverter(t, cfg)
	var said bytes.Buffer
	// The limits come right after the start: wait for the last of them.
	program := script(t, `until [ "$(ulimit -d)" = 524288 ]; do :; done; echo $(ulimit -n) $(ulimit -t) $(ulimit -c)`)
	require.NoError(t, run(t.Context(), program, nil, &said, new(stderrLog), c.limits(1<<20)))
	require.Equal(t, "64 121 0", strings.TrimSpace(said.String()))
}

func TestChildGetsNoneOfTheEnvironment(t *testing.T) {
	t.Setenv("ORAK_S3_SECRET_KEY", mediatest.Secret)
	var said bytes.Buffer
	require.NoError(t, run(t.Context(), "env", nil, &said, new(stderrLog), limits{file: 1 << 20, cpu: time.Minute}))
	require.Contains(t, said.String(), "PATH=")
	require.NotContains(t, said.String(), mediatest.Secret)
}
