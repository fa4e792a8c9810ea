package messages

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"orak"
)

// hostile are texts that break the markup of one chat or the other unless they are
// escaped.
var hostile = []string{
	"", " ", "`", "``", "```", "x` @channel `", "@channel", "@here @all @ada", "<!channel>", "<!here|here>", "<!subteam^S01>", "<@U024BE7LH>",
	"<#C024BE7LR|general>", "<https://evil.example|click>", "&lt;!channel&gt;", "[click](https://evil.example)", "![](https://evil.example/x.png)",
	"\n# heading\n", "\r\n```\r\nrm -rf /\r\n```", "a\u2028b\u2029c\u0085d", "\u202Egnp.exe\u202C", "\u2066x\u2069\u200B\uFEFF", "\x00\x1b[31m\x7f",
	"*bold* _it_ ~gone~ ||spoiler||", "| a | b |\n|---|---|", "~town-square :tada: $x^2$", "\\` \\", "\xff\xfe\xc0`",
	strings.Repeat("a", 100_000), strings.Repeat("`@<", 5_000), strings.Repeat("\u0301", 9_000), "'; $(reboot) #",
}

func TestMessagesContainHostileText(t *testing.T) {
	t.Parallel()
	for _, evil := range hostile {
		checkContained(t, evil, evil, evil, evil)
	}
}

func FuzzAlertMessage(f *testing.F) {
	for i, evil := range hostile {
		f.Add(evil, hostile[(i+1)%len(hostile)], hostile[(i+2)%len(hostile)], hostile[(i+3)%len(hostile)])
	}
	f.Fuzz(checkContained)
}

// checkContained checks that these texts change nothing of any message outside of
// code spans.
func checkContained(t *testing.T, filename, tenant, message, id string) {
	w := Writer{Links: links{}, Console: Console{URL: "https://orak.example.org"}}
	for _, shape := range []func(Alert) AlertGroup{
		func(s Alert) AlertGroup {
			return AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput, Count: 7, Samples: []Alert{s, s, s},
				Expiring: ExpiringGroup{Count: 5, Samples: []Alert{s, s, s}}, Parked: &ParkedUploads{Count: 9}}
		},
		func(s Alert) AlertGroup {
			return AlertGroup{Stage: orak.Stage(s.Message), Class: orak.Class(s.Filename), Count: 1}
		},
		func(s Alert) AlertGroup {
			return AlertGroup{Parked: &ParkedUploads{Count: 9, Samples: []orak.UploadID{s.UploadID}}}
		},
	} {
		evil := alerts(w, shape(Alert{Filename: "f" + filename, Tenant: orak.Tenant("t" + tenant), Message: "m" + message,
			UploadID: orak.UploadID(";" + id), WorkflowID: "upload-;" + id}))
		clean := alerts(w, shape(Alert{Filename: "f", Tenant: "t", Message: "m", UploadID: ";", WorkflowID: "upload-;"}))
		require.Equal(t, outside(clean), outside(evil))
		require.True(t, utf8.ValidString(evil))
		require.LessOrEqual(t, utf8.RuneCountInString(evil), 4000, "as Slack advises; Mattermost takes 16,383")
		for _, r := range evil {
			require.False(t, strings.ContainsRune("@<>&", r) || r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r), "%q in %q", r, evil)
		}
	}
}

// An id that orak cannot have made is in no command.
func TestCommandsNameOnlyIDsThatAreOneShellWord(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}}
	for _, id := range []orak.UploadID{"x;reboot", "$(reboot)", "-rf", "x y", "x\ny", "", orak.UploadID(strings.Repeat("x", 101))} {
		s := Alert{UploadID: id, WorkflowID: "upload-" + string(id)}
		require.NotContains(t, alerts(w, AlertGroup{Count: 1, Samples: []Alert{s}}), "signal", "%q", id)
		require.NotContains(t, alerts(w, AlertGroup{Parked: &ParkedUploads{Count: 1, Samples: []orak.UploadID{id}}}), "signal", "%q", id)
	}
}

var span = regexp.MustCompile("`[^`\n]+`")

// outside returns a message without the contents of its code spans; an unpaired
// backtick remains.
func outside(message string) string { return span.ReplaceAllString(message, "CODE") }

func TestCodeSpansAreBounded(t *testing.T) {
	t.Parallel()
	require.Equal(t, "`ééé…`", codeSpan("éééé", 3))
	require.Equal(t, "`(empty)`", codeSpan("\u200b \n", 3))
	require.Equal(t, "`a b`", codeSpan(" a\t \nb", 9))
}
