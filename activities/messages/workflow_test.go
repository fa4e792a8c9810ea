package messages

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"orak"
)

var song = orak.Upload{ID: "0190", Tenant: "choir", Filename: "song.wav", Size: 3_400_000, ContentType: "audio/wav", ReceivedAt: noon}

func TestSummariesSayWhatAWorkflowIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "`song.wav` of `choir`, 3.4 MB", UploadSummary(song))
	require.Equal(t, "`0190` of `choir`", UploadSummary(orak.BareUpload("choir", "0190")))
	require.Equal(t, "Uploads for which `convert` failed (`input`)", AlertSummary(orak.StageConvert, orak.ClassInput))
	require.Equal(t, "The object store has been unavailable", OutageSummary(orak.DependencyStore))
	require.Equal(t, "Erasure of `0190` of `choir`", ErasureSummary("choir", "0190"))
	require.Equal(t, "`orak.upload.completed` to `wh1`", DeliverySummary("orak.upload.completed", "wh1"))
}

// Temporal takes 400 bytes, of which an encrypting codec takes about 100.
func TestSummariesAreBoundedAndContained(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("`\"<𝄞@", 100)
	for _, evil := range append(hostile, long) {
		for _, summary := range []string{
			UploadSummary(orak.Upload{ID: orak.UploadID(evil), Tenant: orak.Tenant(strings.Repeat("a", 63)), Filename: evil, Size: 1 << 40}),
			ErasureSummary(orak.Tenant(strings.Repeat("a", 63)), orak.UploadID(evil)), AlertSummary("convert", orak.Class(evil)),
		} {
			text, err := json.Marshal(summary)
			require.NoError(t, err)
			require.LessOrEqual(t, len(text), 250, summary)
			require.NotContains(t, summary, "\n")
			require.True(t, utf8.ValidString(summary))
			require.False(t, strings.ContainsAny(summary, "<>@&"), summary)
		}
	}
}

func TestUploadDetailsSayWhereItStands(t *testing.T) {
	t.Parallel()
	require.Equal(t, "**Being converted**, since 2026-01-02 12:00:00 UTC\n\n"+
		"- Recording: `song.wav` of `choir`, 3.4 MB, `audio/wav`, received 2026-01-02 12:00:00 UTC\n",
		UploadDetails(orak.Progress{Upload: song, Status: orak.StatusConverting, UpdatedAt: noon}, time.Time{}))
	failure := orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not audio.", Attempts: 1}
	parked := orak.Progress{Upload: song, Status: orak.StatusDeadLettered, UpdatedAt: noon, Failure: &failure, First: &failure, Cycle: 1, Restarts: 2}
	got := UploadDetails(parked, noon.Add(7*24*time.Hour))
	for _, want := range []string{
		"**Parked: it waits for a decision**, since", "- Failed: `convert` (`input`) after 1 attempt: `Not audio.`\n", "- Failed first: `convert`",
		"- Run again by operators: 1 time\n", "- Restarted by reconciliation: 2 times\n",
		"- Expires 2026-01-09 12:00:00 UTC unless somebody decides: `orak dlq show 0190 --tenant choir`\n",
	} {
		require.Contains(t, got, want)
	}
}

func TestDetailsContainHostileText(t *testing.T) {
	t.Parallel()
	for _, evil := range hostile {
		details := func(text string) string {
			p := orak.Progress{Upload: song, Status: orak.StatusDeadLettered, UpdatedAt: noon, Failure: &orak.Failure{Message: "m" + text, Class: "c", Stage: "s"}}
			p.Upload.Filename, p.Upload.ContentType = "f"+text, "t"+text
			return UploadDetails(p, noon) + OutageDetails(Down{Count: 1, Dependency: "d", Message: "m" + text}, true) +
				ErasureDetails("b"+text, "r"+text, noon) + DeliveryDetails("e"+text, "i"+text, "w"+text, "t"+text, noon)
		}
		require.Equal(t, outside(details("")), outside(details(evil)), "%q", evil)
	}
}
