package servers

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLockNamesItsHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Holder(dir)
	require.ErrorIs(t, err, ErrNotInUse)

	held, err := lockDataDir(t.Context(), dir)
	require.NoError(t, err)
	pid, err := Holder(dir)
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), pid)

	require.NoError(t, held.release())
	require.NoError(t, held.release())
	_, err = Holder(dir)
	require.ErrorIs(t, err, ErrNotInUse)
}

func TestLockWaitsForAProcessThatEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := lockDataDir(t.Context(), dir)
	require.NoError(t, err)
	next := make(chan error, 1)
	go func() {
		_, err := lockDataDir(t.Context(), dir)
		next <- err
	}()
	require.NoError(t, held.release())
	require.NoError(t, <-next)
}

func TestLockGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := lockDataDir(t.Context(), dir)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = lockDataDir(ctx, dir)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestCredentialsAreMadeOnceAndReadableOnlyByTheOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.json")
	first, err := loadCredentials(path)
	require.NoError(t, err)
	require.NotEmpty(t, first.AccessKey)
	require.Greater(t, len(first.SecretKey), 40)
	again, err := loadCredentials(path)
	require.NoError(t, err)
	require.Equal(t, first, again)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestCredentialsThatAreCutOffAreAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"access_key":"a"`), 0o600))
	_, err := loadCredentials(path)
	require.ErrorContains(t, err, path)
}

func TestClaimedPortsAreFreeAndDifferent(t *testing.T) {
	t.Parallel()
	var a, b int
	require.NoError(t, ClaimPorts([]Port{{Name: "a", Number: &a}, {Name: "b", Number: &b}}))
	require.NotZero(t, a)
	require.NotEqual(t, a, b)
}

func TestOneNumberForTwoServersIsRefused(t *testing.T) {
	t.Parallel()
	cfg := Config{}
	require.NoError(t, ClaimPorts(cfg.ports()))
	cfg.S3Port = cfg.KafkaPort
	var taken *PortError
	require.ErrorAs(t, ClaimPorts(cfg.ports()), &taken)
	require.Equal(t, "s3-port", taken.Port.Flag)
}
