package objectstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
)

// answering is a store that answers each request with an error.
func answering(t *testing.T, status int, code string) *objectstore.Store {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if code != "" {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
		}
	}))
	t.Cleanup(s.Close)
	return unconnected(t, objectstore.Config{
		Endpoint: strings.TrimPrefix(s.URL, "http://"), Bucket: "uploads", AccessKey: "key", SecretKey: "secret", PartSize: 5 << 20,
	})
}

// AWS answers many refusals that every upload meets with status 400. They must not count
// against the upload.
func TestRefusalsThatEveryObjectMeetsAreOutages(t *testing.T) {
	t.Parallel()
	for code, setting := range map[string]string{
		"ExpiredToken":                 "s3-credentials",
		"InvalidToken":                 "s3-credentials",
		"TokenRefreshRequired":         "s3-credentials",
		"AuthorizationHeaderMalformed": "s3-region",
		"Throttling":                   "",
		"ThrottlingException":          "",
		"RequestLimitExceeded":         "",
		"RequestThrottled":             "",
		"KMS.ThrottlingException":      "",
		"KMS.KMSInvalidStateException": "s3-sse",
		"KMS.DisabledException":        "s3-sse-kms-key",
		"kms:KeyDisabled":              "s3-sse",
		"":                             "", // as to a HEAD
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			_, err := answering(t, http.StatusBadRequest, code).Put(t.Context(), "k", strings.NewReader("hello"), objectstore.PutOptions{Size: 5})
			var f *orak.Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, orak.ClassDependency, f.Class)
			require.Equal(t, orak.DependencyStore, f.Dependency)
			require.ErrorContains(t, err, setting)
			require.Equal(t, setting != "", strings.Contains(err.Error(), "check "))
		})
	}
}

func TestRefusalOfOneObjectIsNoOutage(t *testing.T) {
	t.Parallel()
	_, err := answering(t, http.StatusBadRequest, "InvalidArgument").Put(t.Context(), "k", strings.NewReader("hello"), objectstore.PutOptions{Size: 5})
	var f *orak.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, orak.ClassInternal, f.Class)
}
