package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/config"
	"orak/standalone/servers"
)

func TestManualHasEverySettingOfTheServers(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/standalone.md")
	require.NoError(t, err)
	apiPort, _ := reflect.TypeFor[upCommand]().FieldByName("APIPort")
	adminPort, _ := reflect.TypeFor[upCommand]().FieldByName("AdminPort")
	fields := append(reflect.VisibleFields(reflect.TypeFor[servers.Config]()), apiPort, adminPort)
	for _, field := range fields {
		flag := field.Tag.Get("name")
		if flag == "" {
			flag = kebab(field.Name)
		}
		env := config.EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
		row := "| `--" + flag + "` | `" + env + "` | `" + field.Tag.Get("default") + "` |"
		require.Contains(t, string(manual), row)
	}
}

// kebab returns the flag that kong derives from a field's name, such as DataDir.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

func TestSettingsThatUpOwnsExist(t *testing.T) {
	t.Parallel()
	var cmd command
	loaded, err := config.Load([]string{"up"}, &cmd, config.Options{Environ: []string{}})
	require.NoError(t, err)
	names := map[string]bool{}
	for _, s := range loaded.Settings() {
		names[s.Name] = true
	}
	for _, name := range append(owned(), ownKafka()...) {
		require.True(t, names[name], name)
	}
}

func TestRelativePathsBecomeAbsolute(t *testing.T) {
	t.Parallel()
	cwd, err := os.Getwd()
	require.NoError(t, err)
	var c upCommand
	c.App.Worker.ScratchDir = "here/scratch"
	c.App.Media.FFmpeg = "ffmpeg"
	c.App.Media.FFprobe = "./bin/ffprobe"
	require.NoError(t, c.absolute())
	require.Equal(t, cwd+"/here/scratch", c.App.Worker.ScratchDir)
	require.Equal(t, "ffmpeg", c.App.Media.FFmpeg)
	require.Equal(t, cwd+"/bin/ffprobe", c.App.Media.FFprobe)
}
