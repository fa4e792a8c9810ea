package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUploadSendsStandardInput(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	w := newWire(t)
	got := orakRunFrom(t.Context(), bytes.NewReader(bytes.Repeat([]byte("x"), 1_200_000)), []string{"ORAK_SERVER=" + w.URL}, "upload", "-")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, testID)
	require.Contains(t, got.err, "standard input: sending 1.2 MB\n")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "the copy is removed")
}

func TestUploadSendsAPipeBesideFiles(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	fifo := filepath.Join(t.TempDir(), "voice.wav")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(fifo, []byte(strings.Repeat("x", 1000)), 0) }()
	got := orakRun(t.Context(), w.URL, "upload", recording(t, "other.m4a"), fifo)
	require.NoError(t, <-written)
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.err, "voice.wav: sending 1.0 kB\n")
	require.Contains(t, got.err, "other.m4a: sending 1.2 MB\n")
}

func TestUploadRefusesStandardInputTwice(t *testing.T) {
	t.Parallel()
	got := orakRun(t.Context(), "http://127.0.0.1:1", "upload", "-", "-")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "standard input can be sent only once")
}

func TestUploadOfSilentStandardInputCanBeInterrupted(t *testing.T) {
	t.Parallel()
	in, writer := io.Pipe()
	t.Cleanup(func() { require.NoError(t, writer.Close()) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, exitInterrupted, orakRunFrom(ctx, in, nil, "upload", "-").code)
}
