package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

func TestDeadLettersAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	second := letter()
	second.ID = otherID
	w.pages = []resource.DeadLetterPage{{DeadLetters: []resource.DeadLetter{letter()}, Next: "1"}, {DeadLetters: []resource.DeadLetter{second}}}

	got := orakRun(t.Context(), w.URL, "dlq", "list")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.out, testID)
	require.Contains(t, got.out, otherID)
	require.Contains(t, got.err, "2 dead letters.")

	got = orakRun(t.Context(), w.URL, "dlq", "list", "--limit", "1")
	require.NotContains(t, got.out, otherID)
	require.Contains(t, got.err, "--limit 0 lists all")

	got = orakRun(t.Context(), w.URL, "dlq", "list", "--json")
	require.Equal(t, 2, strings.Count(got.out, "\n"))

	got = orakRun(t.Context(), w.URL, "dlq", "show", otherID, "--json")
	var d resource.DeadLetter
	require.NoError(t, json.Unmarshal([]byte(got.out), &d))
	require.EqualValues(t, otherID, d.ID)
}

func TestNoDeadLettersIsNotAFailure(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	got := orakRun(t.Context(), w.URL, "dlq", "list")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.err, "nothing to do")

	got = orakRun(t.Context(), w.URL, "dlq", "show", testID)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "The upload is completed, and no dead letter.")
}

func TestDecisionsCarryReasonAndAuthor(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", testID, "upload-"+otherID, "--from", "convert", "--reason", "fixed", "--by", "ada")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, testID+" runs again\n"+otherID+" runs again\n", got.out)
	body := ` {"from":"convert","reason":"fixed","by":"ada"}`
	require.Equal(t, []string{
		"POST /v1/dead-letters/" + testID + "/reprocess" + body,
		"POST /v1/dead-letters/" + otherID + "/reprocess" + body,
	}, w.asked)

	w.asked = nil
	got = orakRun(t.Context(), w.URL, "dlq", "discard", testID, "--reason", "a text file", "--by", "ada")
	require.Equal(t, testID+" is discarded\n", got.out)
	require.Equal(t, []string{"POST /v1/dead-letters/" + testID + `/discard {"reason":"a text file","by":"ada"}`}, w.asked)
}

func TestDecisionsContinueAfterARefusal(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	w.refuse["POST /v1/dead-letters/"+testID+"/reprocess"] = resource.Problem{Status: http.StatusConflict, Title: "The upload is not parked"}
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", testID, otherID)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, otherID+" runs again\n", got.out)
	require.Contains(t, got.err, "The upload is not parked (409)")
}

func TestReprocessWatchPrintsTheResult(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting), upload(orak.StatusCompleted))
	d := letter()
	d.Tenant = "choir"
	w.pages = []resource.DeadLetterPage{{DeadLetters: []resource.DeadLetter{d}}}
	got := orakRun(t.Context(), w.URL, "dlq", "reprocess", testID, "--watch")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "Vocal range")
	require.Equal(t, "choir", w.tenant, "the status is read as the upload's tenant")
}
