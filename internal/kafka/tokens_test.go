package kafka

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/secure"
)

// What a gateway answers in place of the endpoint is an outage. No error quotes an answer,
// which may have secrets.
func TestAnswersOfTokenEndpointsThatPassAreNoWrongSetting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status  int
		code    string
		setting string
	}{
		{status: http.StatusServiceUnavailable},
		{status: http.StatusTooManyRequests},
		{status: http.StatusRequestTimeout},
		{status: http.StatusNotFound},
		{status: http.StatusForbidden},
		{status: http.StatusFound},
		{status: http.StatusBadRequest, code: "temporarily_unavailable"},
		{status: http.StatusForbidden, code: "unauthorized_client", setting: "kafka-oauth-client-secret"},
		{status: http.StatusUnauthorized, setting: "kafka-oauth-client-secret"},
		{status: http.StatusBadRequest, code: "invalid_scope", setting: "kafka-oauth-scopes"},
		{status: http.StatusBadRequest, setting: "kafka-oauth-token-url"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			io.WriteString(w, `{"error":"`+c.code+`","error_description":"hush"}`)
		}))
		t.Cleanup(s.Close)
		_, err := newTokens(Config{OAuthTokenURL: s.URL, OAuthClientID: "orak", OAuthClientSecret: "right"}).fetch(t.Context())
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hush")
		require.Equal(t, c.setting != "", secure.IsWrongSetting(err), "%d %s: %v", c.status, c.code, err)
		require.ErrorContains(t, err, c.setting)
	}
}
