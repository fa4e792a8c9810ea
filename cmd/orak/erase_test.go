package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

func erasedProblem(at time.Time) resource.Problem {
	return resource.Problem{Type: "urn:orak:problem:erased", Status: http.StatusGone, Title: "The upload was erased", Detail: "Nothing of it is left.", ErasedAt: at}
}

func TestErasingAsksFirst(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, args := range [][]string{{"erase", testID}, {"erase", testID, "--json"}} {
		got := orakRun(t.Context(), w.URL, args...)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.err, "add --yes")
	}
	got := orakRun(t.Context(), w.URL, "erase", "not-an-id", "--yes")
	require.Equal(t, exitUsage, got.code)
	got = orakRun(t.Context(), w.URL, "erase", testID, "--dry-run")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, testID+" would be erased; it is completed")
	require.Empty(t, w.erasures)
}

func TestErasureIsReportedOnceAccepted(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	got := orakRun(t.Context(), w.URL, "erase", testID, "upload-"+testID, "--yes", "--tenant", "choir", "--by", "ada", "--reason", "asked & done")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, testID+" is being erased\n"+testID+" is being erased\n", got.out)
	asked := url.Values{"by": {"ada"}, "reason": {"asked & done"}}
	require.Equal(t, []url.Values{asked, asked}, w.erasures)
	require.Equal(t, "choir", w.tenant)

	got = orakRun(t.Context(), w.URL, "erase", testID, "--yes", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	require.JSONEq(t, `{"id":"`+testID+`","status":"erasing"}`, got.out)
	require.NotEmpty(t, w.erasures[2].Get("by"))
}

func TestErasureIsWatchedToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	at := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	done := make(chan outcome)
	go func() { done <- orakRun(t.Context(), w.URL, "erase", testID, "--yes", "--watch", "--json") }()
	for _, p := range []*resource.Problem{nil, {Status: http.StatusServiceUnavailable, Title: "Unavailable"}, ref(erasedProblem(time.Time{})), ref(erasedProblem(at))} {
		w.mu.Lock()
		looks := len(w.asked)
		if p != nil {
			w.refuse["GET /v1/uploads/"+testID] = *p
		}
		w.mu.Unlock()
		require.Eventually(t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.asked) > looks
		}, 20*time.Second, 10*time.Millisecond)
	}
	got := <-done
	require.Equal(t, exitOK, got.code, got.err)
	var last erasure
	require.NoError(t, json.Unmarshal([]byte(got.out), &last))
	require.Equal(t, erasure{ID: testID, Status: "erased", ErasedAt: at}, last)
}

func ref(p resource.Problem) *resource.Problem { return &p }

func TestErasureContinuesAfterAFailure(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["DELETE /v1/uploads/"+otherID] = resource.Problem{Status: http.StatusServiceUnavailable, Title: "The service is not available at the moment", Detail: "It may still be carried out. Repeat the request."}
	got := orakRun(t.Context(), w.URL, "erase", otherID, testID, "--yes")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "may still be carried out")
	require.Len(t, w.erasures, 1)
}

func TestStatusOfAnErasedUploadSaysSo(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.refuse["GET /v1/uploads/"+testID] = erasedProblem(time.Now())
	got := orakRun(t.Context(), w.URL, "status", testID)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "The upload was erased (410)\n  Nothing of it is left.")
}
