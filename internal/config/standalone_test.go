package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/config"
)

// beside loads the settings of a command in the folder of a standalone stack
// whose settings file is text.
func beside(t *testing.T, text string, mode os.FileMode, args, env []string) (settings, *config.Loaded, []string, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, config.StandaloneFile)
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
	require.NoError(t, os.Chmod(path, mode))
	var s settings
	var warnings []string
	loaded, err := config.Load(args, &s, config.Options{
		Environ: append(env, "ORAK_DATA_DIR="+dir), Known: []string{"ORAK_DATA_DIR"}, Stdout: new(bytes.Buffer),
		Warn: func(text string) { warnings = append(warnings, text) }, Standalone: true,
	})
	return s, loaded, warnings, err
}

func TestStandaloneSettingsAreWeakerThanAllButDefaults(t *testing.T) {
	t.Parallel()
	const left = "kafka: {retries: 4, group: left}\ns3: {secret-key: found}\n"
	s, loaded, warnings, err := beside(t, left, 0o600, []string{"--kafka-group=flag"}, []string{"ORAK_KAFKA_RETRIES=6"})
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, "flag", s.Kafka.Group)
	require.Equal(t, 6, s.Kafka.Retries)
	require.Equal(t, "found", s.S3.SecretKey)
	require.Equal(t, config.SourceStandalone, loaded.Source("s3-secret-key"))
	require.Equal(t, config.SourceDefault, loaded.Source("kafka-mode"))
}

func TestNamedFileReplacesStandaloneSettings(t *testing.T) {
	t.Parallel()
	s, _, _, err := beside(t, "s3: {secret-key: found}\n", 0o600, []string{"--config", file(t, "kafka: {retries: 5}\n")}, nil)
	require.NoError(t, err)
	require.Equal(t, 5, s.Kafka.Retries)
	require.Empty(t, s.S3.SecretKey)
}

func TestStandaloneSettingsThatOthersCanReachAreIgnored(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o640, 0o602, 0o604} {
		s, _, warnings, err := beside(t, "s3: {secret-key: found}\n", mode, nil, nil)
		require.NoError(t, err)
		require.Empty(t, s.S3.SecretKey, mode)
		require.Len(t, warnings, 1, mode)
		require.Contains(t, warnings[0], "chmod 600")
	}
}

func TestStandaloneSettingsAreOptional(t *testing.T) {
	t.Parallel()
	var s settings
	_, err := config.Load(nil, &s, config.Options{Environ: []string{"ORAK_DATA_DIR=" + t.TempDir()}, Known: []string{"ORAK_DATA_DIR"}, Standalone: true})
	require.NoError(t, err)
	require.Equal(t, 3, s.Kafka.Retries)
}
