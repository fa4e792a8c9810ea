package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The console says each problem of the API in the words of each of its languages.
func TestConsoleHasWordsForEveryProblem(t *testing.T) {
	t.Parallel()
	codes := submatches(regexp.MustCompile(`(?m)^\scode\w+\s+code\s*=\s*"([a-z-]+)"`), source(t, "api/problems.go"))
	require.Contains(t, codes, "rate-limited")
	// Those that no answer of the API has: another server's answer, and none at all.
	codes = append(codes, "unknown", "offline")
	files, err := filepath.Glob(filepath.Join(root, "web/src/i18n/*/problems.ts"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.ElementsMatch(t, codes, submatches(regexp.MustCompile(`(?m)^  '?([a-z-]+)'?:`), string(content)), file)
	}
}

func source(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(content)
}
