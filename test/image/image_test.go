package image

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/client"
	"orak/internal/listen"
	"orak/internal/media/mediatest"
	"orak/test/stack"
)

func TestImageRunsAsAnUnprivilegedUser(t *testing.T) {
	i := open(t)
	require.Equal(t, "65532:65532", i.User)
	require.Contains(t, i.exec(t, "id"), "uid=65532 gid=65532")
}

func TestImageWithoutACommandPrintsHelp(t *testing.T) {
	i := open(t)
	require.Contains(t, i.exec(t, slices.Concat(i.Entrypoint, i.Cmd)...), "Usage: orak")
}

func TestImageHasOnlyItsOwnFFmpeg(t *testing.T) {
	i := open(t)
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		require.Contains(t, i.exec(t, program, "-version"), "--disable-everything")
		require.NoFileExists(t, filepath.Join(i.root, "usr/bin", program))
	}
	libraries, err := filepath.Glob(filepath.Join(i.root, "usr/lib/*/libav*"))
	require.NoError(t, err)
	require.Empty(t, libraries, "the static programs need none")
	// Its licence asks for these.
	require.FileExists(t, filepath.Join(i.root, "usr/share/doc/ffmpeg/COPYING"))
	sources, err := filepath.Glob(filepath.Join(i.root, "usr/share/doc/ffmpeg/*.tar.xz"))
	require.NoError(t, err)
	require.Len(t, sources, 2)
}

// The worker refuses to start if the sandbox leaves something reachable, and so
// the conversion has run in a complete one.
func TestRolesOfTheImageAnalyzeARecording(t *testing.T) {
	i := open(t)
	servers := stack.Start(t)
	settings := []string{
		"ORAK_KAFKA_BROKERS=" + servers.Kafka, "ORAK_KAFKA_REPLICATION_FACTOR=1", "ORAK_TEMPORAL_ADDRESS=" + servers.Temporal,
		"ORAK_S3_ENDPOINT=" + servers.S3, "ORAK_S3_ACCESS_KEY=" + servers.S3AccessKey, "ORAK_S3_SECRET_KEY=" + servers.S3SecretKey,
		"ORAK_MEDIA_FENCE_STRICT=true", "ORAK_SHUTDOWN_TIMEOUT=30s",
	}
	address := freeAddress(t)
	roles := map[string]container{}
	ports := map[string]string{}
	for _, role := range []string{"api", "bridge", "worker"} {
		admin := freeAddress(t)
		roles[role] = i.start(t, role, append([]string{"ORAK_API_ADDR=" + address, "ORAK_AUTH=none", "ORAK_ADMIN_LISTEN=" + admin}, settings...)...)
		ports[role] = port(t, admin)
	}
	ports["api"] = port(t, address)
	require.Equal(t, "CMD", i.Healthcheck.Test[0])
	for role, c := range roles {
		c.healthy(i.Healthcheck.Test[1:], ports[role])
	}

	path := filepath.Join(t.TempDir(), "tune.wav")
	require.NoError(t, os.WriteFile(path, mediatest.WAV(16000, 1, mediatest.Tune(16000)), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.New(client.Config{Server: "http://" + address})
	require.NoError(t, err)
	accepted, err := c.Send(ctx, client.Sending{Path: path})
	require.NoError(t, err)
	end, err := c.Watch(ctx, accepted.ID, client.Watching{})
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, end.Status, "%+v", end)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := listen.Free()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return port
}
