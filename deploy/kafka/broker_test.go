package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPropertiesNameEveryAddressAndFolder(t *testing.T) {
	t.Parallel()
	out, err := render("127.0.0.1:1", "127.0.0.1:2", "/folder")
	require.NoError(t, err)
	text := string(out)
	require.Contains(t, text, "\nlisteners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2\n")
	require.Contains(t, text, "\ncontroller.quorum.bootstrap.servers=127.0.0.1:2\n")
	require.Contains(t, text, "\nlog.dirs=/folder/data\n")
	require.NotContains(t, text, "{{")
}

func TestVersionIsReadFromTheMavenProject(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^4\.\d+\.\d+$`, string(versionInPOM.FindSubmatch(pom)[1]))
}

func TestJarsAlreadyHereAreNotFetchedAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kafka-1")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kafka-tools-"+version()+".jar"), nil, 0o600))
	var log strings.Builder
	got, err := fetchJars(t.Context(), dir, &log)
	require.NoError(t, err)
	require.Equal(t, dir, got)
	require.Empty(t, log.String())
}

func TestWrongFlagIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2, run([]string{"--nonsense"}, io.Discard, io.Discard))
}

func TestTakenPortIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = configure(t.TempDir(), l.Addr().String())
	require.ErrorContains(t, err, "finding a free port")
}
