package api_test

import (
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReferenceShowsTheContract(t *testing.T) {
	b := setup(t)
	r := b.get("/docs")
	require.Equal(t, http.StatusOK, r.status, "%s", r.body)
	require.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
	page := string(r.body)
	for path, item := range contractOf(t).Paths.Map() {
		require.Contains(t, page, "<code>"+path+"</code>")
		for _, op := range item.Operations() {
			require.Contains(t, page, `id="`+op.OperationID+`"`)
			require.NotEmpty(t, op.Tags, "%s is on no page without a tag", op.OperationID)
		}
	}
	if to := os.Getenv("ORAK_REFERENCE_PAGE"); to != "" {
		require.NoError(t, os.WriteFile(to, r.body, 0o600))
	}

	// Every link within the page leads somewhere.
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		require.False(t, ids[id[1]], "two elements are %s", id[1])
		ids[id[1]] = true
	}
	for _, link := range regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		require.True(t, ids[link[1]], "nothing is %s", link[1])
	}
}

func TestReferenceRunsNothing(t *testing.T) {
	b := setup(t)
	r := b.get("/docs")
	policy := r.header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, string(r.body), "<script")
	require.NotRegexp(t, ` (style|on[a-z]+)="`, string(r.body))
	require.NotRegexp(t, `(src="|<link|<img|<iframe|url\()`, string(r.body))
}
