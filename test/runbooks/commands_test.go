package runbooks

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestCommandsAreFound(t *testing.T) {
	t.Parallel()
	found, err := Commands(fstest.MapFS{"a.md": {Data: []byte("# A\n\n## Look\n\n```sh\n# why\n\norak dlq show ID   # exit status 1 if it is gone\n" +
		"orak lag --watch  # until Ctrl-C\n```\n```promql\nup == 0\n```\n")}})
	require.NoError(t, err)
	require.Equal(t, []Command{
		{File: "a.md", Section: "Look", Line: 8, Shell: "orak dlq show ID", Comment: "exit status 1 if it is gone"},
		{File: "a.md", Section: "Look", Line: 9, Shell: "orak lag --watch", Comment: "until Ctrl-C"},
	}, found)
	require.True(t, found[0].Allows(0))
	require.True(t, found[0].Allows(1))
	require.False(t, found[0].Allows(2))
	require.False(t, found[1].Allows(1))
	require.True(t, found[1].Endless())
}

func TestCommandsInProseAreFoundOnlyInTheirSection(t *testing.T) {
	t.Parallel()
	require.Equal(t, []Command{
		{File: "a.md", Section: "Operate", Line: 4, Shell: "orak dlq list"},
		{File: "a.md", Section: "Operate", Line: 4, Shell: "tctl workflow list --query 'A=\"b\"'"},
	}, InSection("a.md", "# A\n`orak up`\n## Operate\n| `orak dlq list` | `tctl workflow list --query 'A=\"b\"'` | `orak` |\n## Else\n`orak api`\n", "Operate"))
}

func TestCodeOfAnotherLanguageIsRefused(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"", "bash", "sh norun"} {
		_, err := Commands(fstest.MapFS{"a.md": {Data: []byte("```" + language + "\nrm -rf x\n```\n")}})
		require.ErrorContains(t, err, "a.md:1", language)
	}
}

func TestPlaceholdersAreFilledIn(t *testing.T) {
	t.Parallel()
	c := Command{Shell: "orak erase ID ID --tenant TENANT"}.Unasked()
	require.Equal(t, 2, c.Uploads())
	require.Equal(t, "orak erase a b --tenant choir --yes", c.With([]string{"a", "b"}, strings.NewReplacer("TENANT", "choir")))
	require.Equal(t, "orak replay --dry-run", Command{Shell: "orak replay --dry-run"}.Unasked().Shell)
	require.Zero(t, Command{Shell: "orak lag # IDs"}.Uploads())
}
