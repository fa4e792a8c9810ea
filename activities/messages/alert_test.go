package messages

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

type links struct{}

func (links) QueryURL(query string) string { return "http://ui/?" + query }

// alerts words g; the query q finds its uploads.
func alerts(w Writer, g AlertGroup) string { return w.AlertText(g, "q") }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestAlertTextNamesTheGroupAndWhatToDo(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}, Namespace: "songs"}
	got := alerts(w, AlertGroup{
		Stage: orak.StageConvert, Class: orak.ClassInput, Count: 12, FirstAt: noon, LastAt: noon, Parked: &ParkedUploads{Count: 30},
		Samples: []Alert{{UploadID: "0190", Tenant: "choir", Filename: "a.m4a", Message: "Not audio.", WorkflowID: "upload-0190"}},
	})
	for _, want := range []string{
		"12 uploads dead-lettered", "30 uploads are parked in total.", "`convert` failed (`input`)", "2026-01-02 12:00:00 UTC", "`0190` `a.m4a` of tenant `choir`", "and 11 more",
		"http://ui/?q", "orak dlq reprocess 0190 --tenant choir\n", "orak dlq show 0190 --tenant choir\n",
		"temporal workflow signal --namespace songs --workflow-id upload-0190 --name reprocess",
		"tctl --namespace songs workflow signal --workflow_id upload-0190 --name reprocess",
		"orak dlq discard 0190", "\norak dlq discard --stage convert --class input --tenant choir\n", "inform their owners",
		`--query "q" --name reprocess`,
	} {
		require.Contains(t, got, want)
	}
}

func TestAlertTextLinksToTheDecision(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}, Console: Console{URL: "https://orak.example.org/"}}
	g := AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput, Count: 2, Samples: []Alert{
		{UploadID: "0190", Tenant: "choir", Filename: "a.m4a", Message: "Not audio.", WorkflowID: "upload-0190"},
		{UploadID: "0191", Message: "Undecodable."}, // it has no workflow, and so no page
	}}
	got := alerts(w, g)
	require.Contains(t, got, "- `0190` `a.m4a` of tenant `choir`: `Not audio.` Decide: https://orak.example.org/operate/dead-letters/0190?tenant=choir\n")
	require.Contains(t, got, "- `0191`: `Undecodable.`\n")
	require.Contains(t, got, "\nDecide on all of them: https://orak.example.org/operate/dead-letters\n")
	require.Contains(t, got, "\nAll of them in Temporal: http://ui/?q\n")

	got = alerts(w, AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput, Parked: &ParkedUploads{Count: 1, Samples: []orak.UploadID{"0192"}}})
	require.Contains(t, got, "- `0192` Decide: https://orak.example.org/operate/dead-letters/0192\n", "a reminder")
	got = alerts(w, AlertGroup{Expiring: ExpiringGroup{Count: 1, Samples: g.Samples[:1]}})
	require.Contains(t, got, "/operate/dead-letters/0190?tenant=choir\n", "one that expires")

	without := alerts(Writer{Links: links{}}, g)
	require.NotContains(t, without, "Decide")
	require.NotContains(t, without, "/operate")
}

func TestOutagesAndStallsLinkToTheConsole(t *testing.T) {
	t.Parallel()
	c := Console{URL: "https://orak.example.org/console"}
	down := Outage{Down: Down{Dependency: orak.DependencyStore, Count: 1, FirstAt: noon, LastAt: noon}}
	repeated, over := down, down
	repeated.Repeated, over.OverAt = true, noon
	const link = "What is affected: https://orak.example.org/console/operate"
	require.Contains(t, Writer{Console: c}.OutageText(down), "\n"+link+"\n")
	require.Contains(t, Writer{Console: c}.OutageText(repeated), "\n"+link+"\n")
	require.NotContains(t, Writer{Console: c}.OutageText(over), link)
	require.NotContains(t, Writer{}.OutageText(down), "/operate")
	require.Contains(t, c.StallText("bridge", "", stall{}), "The bridge has stalled: partition 0. Uploads wait; none is lost. "+link)
	require.Contains(t, c.StallText("bridge", "standby", stall{}), "The bridge has stalled on the cluster `standby`: partition 0.")
	require.NotContains(t, Console{}.StallText("bridge", "", stall{}), "/operate")
}

type stall struct{}

func (stall) String() string { return "partition 0" }

func TestAddressOfTheConsoleIsChecked(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "http://127.0.0.1:8080", "https://orak.example.org/", "https://orak.example.org/a/b_c~d%20e", "http://[::1]:8080"} {
		require.NoError(t, Console{URL: good}.Validate(), good)
	}
	for _, bad := range []string{
		"orak.example.org", "//orak.example.org", "ftp://orak.example.org", "javascript:alert(1)", "https://", "https:///operate", "https://ann:secret@orak.example.org",
		"https://orak.example.org/?a=b", "https://orak.example.org/?", "https://orak.example.org/#a", "https://orak.example.org/#", "https://orak.example.org/a b",
		"https://orak.example.org/a`b", "https://orak.example.org/<a>", "https://orak.example.org/a|b", "https://orak.example.org/@all", "https://orak.example.org/(a)", "https://orak.example.org/é", "https://orak.example.org/a&b", "%zz",
	} {
		err := Console{URL: bad}.Validate()
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestReminderNamesParkedUploads(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}}
	got := alerts(w, AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput, FirstAt: noon, LastAt: noon,
		Parked: &ParkedUploads{Count: 30, Samples: []orak.UploadID{"0190", "0191", "0192"}, Tenants: []orak.Tenant{"choir", "default", ""}}})
	for _, want := range []string{
		":repeat: Reminder: still parked: `convert` failed (`input`)", "30 uploads are parked in total.", "- `0190` of tenant `choir`\n", "- `0192`\n", "and 27 more",
		"orak dlq reprocess 0190 --tenant choir\n", "http://ui/?q",
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "dead-lettered:")
}

func TestCommandsTakeAllTenantsWhereTheAPIDoes(t *testing.T) {
	t.Parallel()
	g := AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput, Count: 2,
		Samples: []Alert{{UploadID: "0190", Tenant: orak.DefaultTenant, WorkflowID: "upload-0190"}}}
	got := alerts(Writer{Links: links{}}, g)
	require.Contains(t, got, "\norak dlq show 0190\n")
	require.Contains(t, got, "\norak dlq reprocess --stage convert --class input\n")
	got = alerts(Writer{Links: links{}, AllTenants: true}, g)
	require.Contains(t, got, "\norak dlq show 0190\n")
	require.Contains(t, got, "\norak dlq reprocess --stage convert --class input --all-tenants\n")
}

func TestResolvedTextSaysHowManyAndHowLong(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}}
	got := alerts(w, AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput, Count: 12, FirstAt: noon, LastAt: noon,
		ResolvedAt: noon.Add(3*time.Hour + 20*time.Minute)})
	require.Equal(t, ":white_check_mark: Resolved, no upload is parked any more: `convert` failed (`input`)\n"+
		"12 uploads were decided. It lasted 3 h 20 min, from 2026-01-02 12:00:00 UTC to 2026-01-02 15:20:00 UTC.\n", got)
}

func TestAlertTextSeparatesExpiringFromNewUploads(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}}
	old := Alert{UploadID: "0190", WorkflowID: "upload-0190", Filename: "old.m4a"}
	g := AlertGroup{Stage: orak.StageConvert, Class: orak.ClassInput,
		Expiring: ExpiringGroup{Count: 5, FirstAt: noon, Samples: []Alert{old}}}
	got := alerts(w, g)
	require.Contains(t, got, "5 parked uploads expire soon")
	require.Contains(t, got, "The first expires at 2026-01-02 12:00:00 UTC and")
	require.Contains(t, got, "orak dlq discard 0190")
	require.NotContains(t, got, "dead-lettered:")

	g.Count, g.Samples = 1, []Alert{{UploadID: "0191", WorkflowID: "upload-0191", Filename: "new.m4a"}}
	got = alerts(w, g)
	require.Less(t, strings.Index(got, "1 upload dead-lettered"), strings.Index(got, "5 parked uploads expire"))
	require.Contains(t, got, "old.m4a")
	require.Contains(t, got, "new.m4a")
}

func TestAdviceDiffersByClass(t *testing.T) {
	t.Parallel()
	seen := map[string]orak.Class{}
	for _, c := range orak.Classes() {
		seen[advice(c)] = c
	}
	require.Len(t, seen, len(orak.Classes())-1, "an unavailable model server and a busy one need the same work")
}

func TestLastedIsReadable(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0 s": -time.Second, "59 s": 59 * time.Second, "4 min": 4*time.Minute + 59*time.Second,
		"1 h 0 min": time.Hour, "6 d 23 h": 7*24*time.Hour - time.Minute,
	} {
		require.Equal(t, want, lasted(d))
	}
}

func TestAlertTextWithoutWorkflowNamesTheTopic(t *testing.T) {
	t.Parallel()
	w := Writer{Links: links{}, DeadLetterTopic: "letters"}
	got := alerts(w, AlertGroup{Stage: orak.StageReceive, Class: orak.ClassInput, Count: 1, Samples: []Alert{{Message: "Undecodable."}}})
	require.Contains(t, got, "- a record: `Undecodable.`")
	require.Contains(t, got, "`letters`")
	require.NotContains(t, got, "workflow signal")
}
