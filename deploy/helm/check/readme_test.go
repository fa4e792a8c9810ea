package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var roleKeys = []string{"api", "bridge", "worker", "gpuWorker", "index", "lake", "webhooks"}

func TestReadmeHasEveryValue(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(chart, "README.md"))
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	require.NoError(t, err)
	var values map[string]any
	require.NoError(t, yaml.Unmarshal(content, &values))
	for _, path := range paths("", values) {
		require.True(t, documented(string(readme), path), "%s is not in the table of README.md", path)
	}
}

// documented reports whether the table has a value, that of every role, or a parent that is
// not a whole section.
func documented(readme, path string) bool {
	for first := true; first || strings.Contains(path, "."); first = false {
		role, rest, _ := strings.Cut(path, ".")
		if strings.Contains(readme, "`"+path+"`") || slices.Contains(roleKeys, role) && strings.Contains(readme, "`ROLE."+rest+"`") {
			return true
		}
		path = parent(path)
	}
	return false
}

func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

// paths returns the names of all values without values below them.
func paths(prefix string, values map[string]any) []string {
	var found []string
	for name, value := range values {
		below, isMap := value.(map[string]any)
		if isMap && len(below) > 0 {
			found = append(found, paths(prefix+name+".", below)...)
			continue
		}
		found = append(found, prefix+name)
	}
	slices.Sort(found)
	return found
}
