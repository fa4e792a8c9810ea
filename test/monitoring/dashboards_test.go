package monitoring

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// asked returns the expressions of a dashboard, wherever they stand.
func asked(node any) (exprs []string) {
	switch node := node.(type) {
	case map[string]any:
		for name, value := range node {
			if text, ok := value.(string); ok && name == "expr" {
				exprs = append(exprs, text)
			}
			exprs = append(exprs, asked(value)...)
		}
	case []any:
		for _, value := range node {
			exprs = append(exprs, asked(value)...)
		}
	}
	return exprs
}

// filled replaces what Grafana fills in.
var filled = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h")

func TestDashboardsAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	k := existing(t)
	files, err := filepath.Glob(root + "/deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 7)
	var file struct {
		Groups []map[string]any `yaml:"groups"`
	}
	var parsed []map[string]string
	for _, path := range files {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		var dashboard map[string]any
		require.NoError(t, json.Unmarshal(content, &dashboard))
		exprs := asked(dashboard)
		require.NotEmpty(t, exprs, path)
		for _, expr := range exprs {
			metrics := Metrics(expr)
			require.NotEmpty(t, metrics, expr)
			for _, name := range metrics {
				require.True(t, k.has(name), "%s asks for %s", path, name)
			}
			parsed = append(parsed, map[string]string{"record": "parsed:orak_expression:text", "expr": filled.Replace(expr)})
		}
	}
	// promtool parses what it takes for rules.
	file.Groups = []map[string]any{{"name": "parsed", "rules": parsed}}
	content, err := yaml.Marshal(file)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "parsed.yml")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	out, err := exec.CommandContext(t.Context(), promtool(t), "check", "rules", "--lint=none", path).CombinedOutput()
	require.NoError(t, err, string(out))
}
