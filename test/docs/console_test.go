package docs

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The console says each problem of the API in the words of each of its languages.
func TestConsoleHasWordsForEveryProblem(t *testing.T) {
	t.Parallel()
	codes := submatches(regexp.MustCompile(`(?m)^\scode\w+\s+code\s*=\s*"([a-z-]+)"`), source(t, "api/problems.go"))
	require.Contains(t, codes, "rate-limited")
	// Those that no answer of the API has: another server's answer, none at all, and a file
	// that the browser cannot read.
	codes = append(codes, "unknown", "offline", "unreadable")
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

// The console says what each live setting does, and what each act is called, in each of
// its languages.
func TestConsoleHasWordsForSettingsAndActs(t *testing.T) {
	t.Parallel()
	settings := submatches(regexp.MustCompile(`(?m)\bName: "([a-z-]+)"`), source(t, "control/settings.go"))
	require.Contains(t, settings, "intake")
	act := regexp.MustCompile(`"([a-z-]+\.[a-z-]+)"`)
	var acts []string
	for _, file := range []string{"control/acts.go", "events/act.go"} {
		acts = append(acts, submatches(act, source(t, file))...)
	}
	acts = append(acts, submatches(regexp.MustCompile(`(?m)^\sact\w+\s+= "([a-z-]+\.[a-z-]+)"`), source(t, "api/routes.go"))...)
	acts = append(acts, submatches(regexp.MustCompile(`\bact: "([a-z-]+\.[a-z-]+)"`), source(t, "api/routes.go"))...)
	acts = unique(acts)
	require.Contains(t, acts, "key.revoke")
	for _, language := range []string{"en", "ko"} {
		folder := "web/src/i18n/" + language + "/"
		require.ElementsMatch(t, settings, slices.Collect(maps.Keys(messages(t, folder+"settings.ts", "help"))))
		require.ElementsMatch(t, acts, slices.Collect(maps.Keys(messages(t, folder+"audit.ts", "act"))))
	}
}

var (
	openedMessages = regexp.MustCompile(`^\s*'?([a-z-]+)'?: \{$`)
	namedMessage   = regexp.MustCompile(`^\s*'?([a-z-]+)'?:`)
)

// messages returns those of a file whose key begins with part, by the rest of the key.
// The files have a key a line, as the formatter writes them.
func messages(t *testing.T, name, part string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	var within []string
	for line := range strings.Lines(source(t, name)) {
		line = strings.TrimRight(line, "\n")
		switch opened := openedMessages.FindStringSubmatch(line); {
		case opened != nil:
			within = append(within, opened[1])
		case strings.TrimSpace(line) == "},":
			within = within[:len(within)-1]
		case len(within) > 0 && within[0] == part && namedMessage.MatchString(line):
			key := append(slices.Clone(within[1:]), namedMessage.FindStringSubmatch(line)[1])
			found[strings.Join(key, ".")] = true
		}
	}
	return found
}
