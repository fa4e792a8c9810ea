package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/events"
	tags "orak/internal/config"
	"orak/workflows"
)

const decision = `{"by":"ada","reason":"mended"}`

func TestDeadLettersAreListedInPages(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating, func(b *bundle) {
		b.deps.WorkflowURL = func(workflowID, runID string) string { return "http://ui/" + workflowID + "/" + runID }
	})
	want := map[orak.UploadID]orak.Progress{}
	for _, of := range []orak.Tenant{"choir", "choir", "band"} {
		p := progress(of, orak.StatusDeadLettered)
		b.begin(p)
		want[p.Upload.ID] = p
	}
	b.begin(progress("choir", orak.StatusAnalyzing))

	list := func(query string, headers ...header) (all []resource.DeadLetter, pages int) {
		token := ""
		for {
			page := into[resource.DeadLetterPage](t, b.get("/v1/dead-letters?"+query+"&page_token="+token, headers...), http.StatusOK)
			all = append(all, page.DeadLetters...)
			pages++
			if token = page.Next; token == "" {
				return all, pages
			}
		}
	}
	b.eventually(func() bool { all, _ := list(""); return len(all) == 3 }, "visibility has them")
	all, pages := list("page_size=1")
	require.Len(t, all, 3)
	require.GreaterOrEqual(t, pages, 3)
	for _, d := range all {
		p := want[d.ID]
		require.Equal(t, p.Upload.Tenant, d.Tenant)
		require.Equal(t, "a.wav", d.Filename)
		require.Equal(t, resource.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not audio."}, d.Failure)
		require.Equal(t, workflows.UploadWorkflowID(d.ID), d.WorkflowID)
		require.Equal(t, "http://ui/"+d.WorkflowID+"/"+d.RunID, d.WebUI)
		require.Equal(t, d, into[resource.DeadLetterDetail](t, b.get("/v1/dead-letters/"+string(d.ID)), http.StatusOK).DeadLetter)
	}
	choir, _ := list("", tenant("choir"))
	require.Len(t, choir, 2)
	problem(t, b.get("/v1/dead-letters?page_size=0"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/dead-letters?page_token=%21"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/dead-letters?page_token=AAAA"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/dead-letters", tenant("a' OR '1'='1")), http.StatusBadRequest, "invalid-tenant")
}

func TestOperatorDecidesOnAParkedUpload(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	for verb, status := range map[string]orak.Status{"reprocess": orak.StatusConverting, "discard": orak.StatusDiscarded} {
		p := progress("choir", orak.StatusDeadLettered)
		b.begin(p)
		path := "/v1/dead-letters/" + string(p.Upload.ID)
		problem(t, b.post(path+"/"+verb, decision, tenant("band")), http.StatusNotFound, "not-found")
		u := into[resource.Upload](t, b.post(path+"/"+verb, decision), http.StatusAccepted)
		require.Equal(t, status, u.Status)
		require.Nil(t, u.Failure)
		require.Contains(t, b.log.String(), `"by":"ada"`)

		again := problem(t, b.post(path+"/"+verb, decision), http.StatusConflict, "not-parked")
		require.NotContains(t, again.Detail, "workflow")
		problem(t, b.get(path), http.StatusNotFound, "not-found")
	}
}

func TestDecisionsAreDecodedStrictly(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	p := progress("choir", orak.StatusDeadLettered)
	b.begin(p)
	path := "/v1/dead-letters/" + string(p.Upload.ID) + "/reprocess"
	for name, body := range map[string]string{
		"nothing":        ``,
		"no object":      `[]`,
		"no by":          `{"reason":"x"}`,
		"no reason":      `{"by":"x","reason":" "}`,
		"unknown field":  `{"by":"x","reason":"x","form":"convert"}`,
		"two objects":    decision + decision,
		"unknown stage":  `{"by":"x","reason":"x","from":"receive"}`,
		"by too long":    `{"by":"` + strings.Repeat("x", 201) + `","reason":"x"}`,
		"control in by":  `{"by":"x\u001b[2J","reason":"x"}`,
		"reason so long": `{"by":"x","reason":"` + strings.Repeat("x", 1001) + `"}`,
	} {
		r := b.post(path, body)
		require.Equal(t, http.StatusBadRequest, r.status, "%s: %s", name, r.body)
		problem(t, r, http.StatusBadRequest, "invalid-request")
	}
	problem(t, b.post(path, strings.Repeat(" ", 70_000)), http.StatusRequestEntityTooLarge, "too-large")
	problem(t, b.post(path, decision, header{"Content-Encoding", "gzip"}), http.StatusUnsupportedMediaType, "unsupported-encoding")
	problem(t, b.post("/v1/dead-letters/"+string(freshID())+"/reprocess", decision), http.StatusNotFound, "not-found")
	problem(t, b.post("/v1/dead-letters/x/reprocess", decision), http.StatusNotFound, "not-found")
}

// listed returns the ids on all pages of a query.
func (b *bundle) listed(query string, headers ...header) (ids []orak.UploadID, pages int) {
	b.t.Helper()
	for token := ""; ; {
		page := into[resource.DeadLetterPage](b.t, b.get("/v1/dead-letters?"+query+"&page_token="+token, headers...), http.StatusOK)
		for _, d := range page.DeadLetters {
			ids = append(ids, d.ID)
		}
		pages++
		if token = page.Next; token == "" {
			return ids, pages
		}
	}
}

func TestDeadLettersAreSelected(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	now := time.Now().UTC()
	park := func(of orak.Tenant, name string, stage orak.Stage, class orak.Class, message string, age time.Duration) orak.UploadID {
		p := progress(of, orak.StatusDeadLettered)
		p.Stage, p.Upload.Filename = stage, name
		at := now.Add(-age)
		p.Failure = &orak.Failure{Stage: stage, Class: class, Message: message, Attempts: 1, FirstAt: at.Add(-time.Hour), LastAt: at}
		b.begin(p)
		return p.Upload.ID
	}
	aria := park("choir", "Ärger.m4a", orak.StageConvert, orak.ClassInput, "Not audio.", time.Minute)
	blues := park("choir", "blues.wav", orak.StageAnalyze, orak.ClassModel, "The analysis failed.", 3*time.Hour)
	canon := park("band", "canon.wav", orak.StageAnalyze, orak.ClassTransient, "It took too long.", 30*time.Hour)
	dirge := park("band", "100% 'dirge'.wav", orak.StagePublish, orak.ClassTransient, "It took too long.", 100*time.Hour)
	all := []orak.UploadID{aria, blues, canon, dirge}
	b.eventually(func() bool { ids, _ := b.listed(""); return len(ids) == len(all) }, "visibility has them")

	for query, want := range map[string][]orak.UploadID{
		"":                              all,
		"stage=analyze":                 {blues, canon},
		"stage=analyze&stage=publish":   {blues, canon, dirge},
		"class=transient":               {canon, dirge},
		"class=input&class=model":       {aria, blues},
		"stage=analyze&class=transient": {canon},
		"stage=convert&class=transient": nil,
		"older_than=2h":                 {blues, canon, dirge},
		"newer_than=24h":                {aria, blues},
		"older_than=2h&newer_than=48h":  {blues, canon},
		"older_than=2h&before=" + zulu(now.Add(-50*time.Hour)):      {dirge},
		"older_than=50h&before=" + zulu(now):                        {dirge},
		"before=" + zulu(now.Add(-3*time.Hour)):                     {canon, dirge},
		"before=" + zulu(now.Add(-3*time.Hour+time.Nanosecond)):     {blues, canon, dirge},
		"newer_than=" + zulu(now.Add(-3*time.Hour)):                 {aria},
		"text=" + url.QueryEscape("äRGER"):                          {aria},
		"text=TOO+LONG":                                             {canon, dirge},
		"text=" + url.QueryEscape("100% '"):                         {dirge},
		"text=" + strings.ToUpper(string(canon)):                    {canon},
		"text=nothing+has+this":                                     nil,
		"text=too+long&class=transient&older_than=2h&page_size=1":   {canon, dirge},
		"text=" + url.QueryEscape("' OR '1'='1") + "&stage=analyze": nil,
	} {
		ids, _ := b.listed(query)
		require.ElementsMatch(t, want, ids, query)
	}
	ids, _ := b.listed("text=wav", tenant("choir"))
	require.Equal(t, []orak.UploadID{blues}, ids)

	for query, says := range map[string]string{
		"stage=queued": "receive, convert, analyze, publish",
		"stage=" + url.QueryEscape("convert' OR OrakStage = 'analyze"): "receive, convert, analyze, publish",
		"class=none":                       "input, transient, model, overload, dependency, internal",
		"class=input&class=":               "class is empty",
		"older_than=yesterday":             "90m",
		"newer_than=-1h":                   "90m",
		"before=2026-13-01T00:00:00Z":      "2026-11-22T12:00:00Z",
		"text=%00":                         "control characters",
		"text=%ff":                         "control characters",
		"text=" + strings.Repeat("x", 201): "200 bytes",
		"clas=input":                       "stage, class, older_than",
		"text=":                            "text is empty",
		"class=input&older_than=":          "older_than is empty",
		"before=1h&before=2h":              "once",
	} {
		p := problem(t, b.get("/v1/dead-letters?"+query), http.StatusBadRequest, "invalid-request")
		require.Contains(t, p.Detail, says, query)
	}
}

func zulu(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// TestSelectionIsBoundedWork has more dead letters than one request examines.
func TestSelectionIsBoundedWork(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	var last orak.UploadID
	for range 25 {
		p := progress("choir", orak.StatusDeadLettered)
		b.begin(p)
		last = p.Upload.ID
	}
	b.eventually(func() bool { ids, _ := b.listed(""); return len(ids) == 25 }, "visibility has them")
	first, _ := b.listed("page_size=200")
	require.Len(t, first, 25)
	oldest := first[len(first)-1]

	page := into[resource.DeadLetterPage](t, b.get("/v1/dead-letters?page_size=1&text="+string(oldest)), http.StatusOK)
	require.Empty(t, page.DeadLetters, "20 are looked at, one a time")
	require.NotEmpty(t, page.Next)
	ids, pages := b.listed("page_size=1&text=" + string(oldest))
	require.Equal(t, []orak.UploadID{oldest}, ids)
	require.Greater(t, pages, 1)

	// No page is longer than requested, and each dead letter is listed once.
	ids, pages = b.listed("page_size=8&text=a.wav")
	require.ElementsMatch(t, first, ids)
	require.GreaterOrEqual(t, pages, 4)
	require.Contains(t, ids, last)
}

func TestDeadLetterIsShownCompletely(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating, func(b *bundle) { b.deps.Namespace = "night" })
	p := progress("choir", orak.StatusDeadLettered)
	at := p.UpdatedAt
	p.Cycle, p.Restarts = 1, 2
	p.First = &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassTransient, Message: "It crashed.", Attempts: 3, FirstAt: at, LastAt: at}
	p.Timeline = []orak.Mark{{At: at, Kind: orak.MarkReprocessed, Stage: orak.StageConvert, By: "ada", Reason: "mended"}}
	b.beginOf(p, events.Origin{
		Topic: events.TopicUploads, Partition: 3, Offset: 1 << 40, Key: []byte(p.Upload.ID),
		Value: []byte(`{"b":1,"n":12345678901234567890, "X-Api-Key":"hunter2","deep":[{"sessionToken":"hunter2","t":"<é>"}],"b":2}`),
		Headers: []events.Header{
			{Key: "ce_type", Value: []byte("orak.upload.received")}, {Key: "Authorization", Value: []byte("Bearer hunter2")},
			{Key: "bytes", Value: []byte{0xff, 0}}, {Key: "empty"},
		},
	})
	r := b.get("/v1/dead-letters/" + string(p.Upload.ID))
	require.NotContains(t, string(r.body), "hunter2")
	d := into[resource.DeadLetterDetail](t, r, http.StatusOK)
	require.Equal(t, p.First, d.First)
	require.Equal(t, 2, d.Restarts)
	require.Equal(t, p.Timeline, d.Timeline)
	require.Equal(t, at.Add(tags.MustDefaults[workflows.Settings]().ParkFor), d.ExpiresAt)
	require.Equal(t, &resource.Event{
		Topic: events.TopicUploads, Partition: 3, Offset: 1 << 40, Key: string(p.Upload.ID), Size: 108,
		Value: `{"X-Api-Key":"[withheld]","b":2,"deep":[{"sessionToken":"[withheld]","t":"<é>"}],"n":12345678901234567890}`,
		Headers: []resource.EventHeader{
			{Key: "ce_type", Value: "orak.upload.received"}, {Key: "Authorization", Withheld: true},
			{Key: "bytes", Withheld: true}, {Key: "empty"},
		},
	}, d.Event)
	id := string(p.Upload.ID)
	require.Equal(t, resource.Command{
		Orak:     "orak dlq reprocess " + id + " --tenant choir",
		Temporal: "temporal workflow signal --namespace night --workflow-id upload-" + id + ` --name reprocess --input '{"reason":"WHY","by":"WHO"}'`,
		Tctl:     "tctl --namespace night workflow signal --workflow_id upload-" + id + ` --name reprocess --input '{"reason":"WHY","by":"WHO"}'`,
	}, d.Commands.Reprocess)
	require.Equal(t, "/v1/dead-letters/"+id, d.Links.Self)
	require.Equal(t, "/v1/uploads/"+id, d.Links.Upload)
	require.Equal(t, http.StatusAccepted, b.post(d.Links.Reprocess, decision).status)
	b.show(p)
	b.eventually(func() bool { return b.get(d.Links.Self).status == http.StatusOK }, "it is parked again")
	require.Equal(t, http.StatusAccepted, b.post(d.Links.Discard, decision).status)
}

func TestUploadThatIsNotADeadLetterIsExplained(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	for status, says := range map[orak.Status]string{
		orak.StatusAnalyzing: "The upload is analyzing and not a dead letter: it is being processed (cycle 2).",
		orak.StatusDiscarded: "The upload is discarded and not a dead letter.",
	} {
		p := progress("choir", status)
		p.Cycle = 2
		b.begin(p)
		require.Equal(t, says, problem(t, b.get("/v1/dead-letters/"+string(p.Upload.ID)), http.StatusNotFound, "not-found").Detail)
	}
	p := progress("choir", orak.StatusDeadLettered)
	b.begin(p)
	require.NoError(t, b.client.TerminateWorkflow(t.Context(), workflows.UploadWorkflowID(p.Upload.ID), "", "test"))
	require.Contains(t, problem(t, b.get("/v1/dead-letters/"+string(p.Upload.ID)), http.StatusNotFound, "not-found").Detail, "orak replay")
}

func TestOptionsReachTheWorkflowWhichMayRefuseThem(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	p := progress("choir", orak.StatusDeadLettered)
	b.begin(p)
	path := "/v1/dead-letters/" + string(p.Upload.ID) + "/reprocess"
	bad := problem(t, b.post(path, `{"by":"x","reason":"x","options":{"tiemout":"1h"}}`), http.StatusBadRequest, "invalid-request")
	require.Equal(t, "Options: want timeout.", bad.Detail)
	problem(t, b.post(path, `{"by":"x","reason":"x","options":{"timeout":1}}`), http.StatusBadRequest, "invalid-request")
	into[resource.Upload](t, b.post(path, `{"by":"x","reason":"x","options":{"timeout":"1h"}}`), http.StatusAccepted)
}
