package activities

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

type links struct{}

func (links) WorkflowURL(id, run string) string { return "http://ui/" + id + "/" + run }
func (links) QueryURL(query string) string      { return "http://ui/?q" }

func TestAlertMessageNamesTheGroupAndWhatToDo(t *testing.T) {
	t.Parallel()
	a := New("", Deps{Links: links{}, Namespace: "songs"})
	got := a.message(AlertGroup{
		Stage: orak.StageConvert, Class: orak.ClassInput, Count: 12, FirstAt: noon, LastAt: noon,
		Samples: []Alert{{UploadID: "0190", Tenant: "choir", Filename: "a.m4a", Message: "Not audio.", WorkflowID: "upload-0190"}},
	})
	for _, want := range []string{
		"12 uploads dead-lettered", "`convert` failed (`input`)", "2026-01-02 12:00:00 UTC", "`0190` `a.m4a` of tenant `choir`", "and 11 more",
		"http://ui/?q", "orak dlq reprocess 0190",
		"temporal workflow signal --namespace songs --workflow-id upload-0190 --name reprocess",
		"tctl --namespace songs workflow signal --workflow_id upload-0190 --name reprocess",
		`--query "OrakStatus='dead_lettered' AND OrakStage='convert' AND OrakFailure='input'"`,
	} {
		require.Contains(t, got, want)
	}
}

func TestAFileNameCanNeitherBreakTheMessageNorMentionAnybody(t *testing.T) {
	t.Parallel()
	a := New("", Deps{Links: links{}})
	evil := "x` @channel @all <!channel> <https://evil|click>\n# heading\r\n```\n\u202Egnp.exe"
	got := a.message(AlertGroup{Count: 1, Samples: []Alert{{Filename: evil, Message: evil}}})
	clean := a.message(AlertGroup{Count: 1, Samples: []Alert{{Filename: "x", Message: "x"}}})
	require.Equal(t, strings.Count(clean, "\n"), strings.Count(got, "\n"))
	require.Equal(t, strings.Count(clean, "`"), strings.Count(got, "`"))
	for _, bad := range []string{"@", "<", ">", "\u202E", "\r"} {
		require.NotContains(t, got, bad)
	}
}

func TestAnAlertWithoutAWorkflowShowsNoCommandForOne(t *testing.T) {
	t.Parallel()
	a := New("", Deps{Links: links{}})
	got := a.message(AlertGroup{Stage: orak.StageReceive, Class: orak.ClassInput, Count: 1, Samples: []Alert{{Message: "Undecodable."}}})
	require.Contains(t, got, "- a record: `Undecodable.`")
	require.Contains(t, got, "orak.dead-letters")
	require.NotContains(t, got, "workflow signal")
}

func TestCodeSpansAreBounded(t *testing.T) {
	t.Parallel()
	require.Equal(t, "`ééé…`", codeSpan("éééé", 3))
	require.Equal(t, "` `", codeSpan("", 3))
	require.Equal(t, "`a b`", codeSpan("a\tb", 9))
}
