package check

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contents are secrets of the right form, by the variable with the path of their file.
var contents = map[string]string{
	"ORAK_INDEX_URL_FILE":           "postgres://orak:password@database/orak_index",
	"ORAK_WEBHOOKS_KEYS_FILE":       "2026-01=" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
	"ORAK_TEMPORAL_CODEC_KEYS_FILE": "2026-01=" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
	"ORAK_ALERT_WEBHOOK_URL_FILE":   "https://chat.example.org/hooks/1",
}

// orak itself reads the environment of each role: no setting is unknown, and no value refused.
func TestOrakTakesTheEnvironmentOfEveryRole(t *testing.T) {
	t.Parallel()
	for _, variant := range variants {
		for _, o := range rendered(t, variant) {
			if o.Kind() != "Deployment" && o.Kind() != "Job" {
				continue
			}
			dir := t.TempDir()
			var env []string
			for name, value := range environment(Object(o.fields("spec", "template", "spec")).each("containers")[0]) {
				if file, isSecret := strings.CutPrefix(value, "/run/secrets/orak/"); isSecret {
					value = filepath.Join(dir, file)
					content := contents[name]
					if content == "" {
						content = "a-secret-of-enough-bytes"
					}
					require.NoError(t, os.WriteFile(value, []byte(content), 0o600))
				}
				env = append(env, name+"="+value)
			}
			slices.Sort(env)
			cmd := exec.CommandContext(t.Context(), program(t, "orak"), "config", "show", "--json")
			cmd.Dir, cmd.Env = dir, env
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			require.NoError(t, cmd.Run(), "%s %s: %s", variant, o, stderr.String())
			require.Empty(t, stderr.String(), "%s %s", variant, o)
			require.Contains(t, stdout.String(), `"ORAK_KAFKA_BROKERS"`, "its settings name their source")
		}
	}
}
