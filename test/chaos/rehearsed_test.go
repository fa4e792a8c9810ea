package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// compose.yml is read by `task rehearse`, before a storm knows what it will hit.
func TestRehearsalHasTheSettingsOfAStorm(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("compose.yml")
	require.NoError(t, err)
	settings, err := stormSettings(t.TempDir(), budget(hitsOfEach*len(targets())))
	require.NoError(t, err)
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		if name == "ORAK_MEDIA_FFMPEG" {
			continue // a path
		}
		require.Contains(t, strings.ReplaceAll(string(text), `"`, ""), name+": "+value+"\n")
	}
}
