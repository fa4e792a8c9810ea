package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/workflows"
)

const decision = `{"by":"ada","reason":"mended"}`

func TestDeadLettersAreListedInPages(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) {
		b.deps.WorkflowURL = func(workflowID, runID string) string { return "http://ui/" + workflowID + "/" + runID }
	})
	want := map[orak.UploadID]orak.Progress{}
	for _, of := range []orak.Tenant{"choir", "choir", "band"} {
		p := progress(of, orak.StatusDeadLettered)
		b.begin(p)
		want[p.Upload.ID] = p
	}
	b.begin(progress("choir", orak.StatusAnalyzing))

	list := func(query string, headers ...header) (all []api.DeadLetter, pages int) {
		token := ""
		for {
			page := into[api.DeadLetterPage](t, b.get("/v1/dead-letters?"+query+"&page_token="+token, headers...), http.StatusOK)
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
		require.Equal(t, api.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not audio."}, d.Failure)
		require.Equal(t, workflows.UploadWorkflowID(d.ID), d.WorkflowID)
		require.Equal(t, "http://ui/"+d.WorkflowID+"/"+d.RunID, d.WebUI)
		require.Equal(t, d, into[api.DeadLetter](t, b.get("/v1/dead-letters/"+string(d.ID)), http.StatusOK))
	}
	choir, _ := list("", tenant("choir"))
	require.Len(t, choir, 2)
	problem(t, b.get("/v1/dead-letters?page_size=0"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/dead-letters?page_token=%21"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/dead-letters?page_token=AAAA"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/dead-letters", tenant("a' OR '1'='1")), http.StatusBadRequest, "invalid-tenant")
}

func TestAnOperatorDecidesOnAParkedUpload(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	for verb, status := range map[string]orak.Status{"reprocess": orak.StatusConverting, "discard": orak.StatusDiscarded} {
		p := progress("choir", orak.StatusDeadLettered)
		b.begin(p)
		path := "/v1/dead-letters/" + string(p.Upload.ID)
		problem(t, b.post(path+"/"+verb, decision, tenant("band")), http.StatusNotFound, "not-found")
		u := into[api.Upload](t, b.post(path+"/"+verb, decision), http.StatusAccepted)
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
	b := setupTemporal(t)
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
