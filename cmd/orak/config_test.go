package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/config"
)

func TestMisspeltVariableCausesAWarning(t *testing.T) {
	t.Parallel()
	got := orakRunEnv(t.Context(), []string{"ORAK_SERVR=http://x", "ORAK_DATA_DIR=x"}, "version")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.err, "ORAK_SERVR is not a setting")
	require.NotContains(t, got.err, "DATA_DIR")
}

func TestSecretsAreRefusedAsArguments(t *testing.T) {
	t.Parallel()
	got := orakRunEnv(t.Context(), []string{}, "api", "--s3-secret-key", "hunter2")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "ORAK_S3_SECRET_KEY_FILE")
	require.NotContains(t, got.err, "hunter2")
}

func TestConfigShowPrintsAnEquivalentFile(t *testing.T) {
	t.Parallel()
	shown := orakRunEnv(t.Context(), []string{"ORAK_S3_SECRET_KEY=hush", "ORAK_KAFKA_BROKERS=a:1,b:2"}, "config", "show", "--gpu-slots", "3")
	require.Equal(t, exitOK, shown.code, shown.err)
	require.NotContains(t, shown.out, "hush")
	require.Contains(t, shown.out, `brokers: ["a:1","b:2"]  # environment`)
	require.Contains(t, shown.out, `gpu-slots: 3  # flag`)

	path := filepath.Join(t.TempDir(), "orak.yaml")
	require.NoError(t, os.WriteFile(path, []byte(shown.out), 0o600))
	values := func(environ []string, args ...string) map[string]any {
		got := orakRunEnv(t.Context(), environ, append([]string{"config", "show", "--json"}, args...)...)
		require.Equal(t, exitOK, got.code, got.err)
		var settings []config.Setting
		require.NoError(t, json.Unmarshal([]byte(got.out), &settings))
		byName := map[string]any{}
		for _, s := range settings {
			if !s.Secret {
				byName[s.Name] = s.Value
			}
		}
		return byName
	}
	require.Equal(t, values([]string{"ORAK_KAFKA_BROKERS=a:1,b:2"}, "--gpu-slots", "3"), values([]string{}, "--config", path))
}

// The file in docs is generated. After a change:
// go run ./cmd/orak config reference > docs/configuration.md
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	want, err := config.Reference(new(cli))
	require.NoError(t, err)
	path := filepath.Join("..", "..", "docs", "configuration.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "run: go run ./cmd/orak config reference > docs/configuration.md")
}

func TestEverySettingHasAHelpText(t *testing.T) {
	t.Parallel()
	text, err := config.Reference(new(cli))
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		require.False(t, strings.HasSuffix(strings.TrimRight(line, "\n"), "|  |"), "no help: %s", line)
	}
}

func TestDefaultServerIsTheDefaultOfItsFlag(t *testing.T) {
	t.Parallel()
	var c struct {
		Status statusCmd `cmd:""`
	}
	_, err := config.Load([]string{"status", testID}, &c, config.Options{Name: "orak", Environ: []string{}})
	require.NoError(t, err)
	require.Equal(t, defaultServer, c.Status.Server)
}
