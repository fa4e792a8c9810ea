package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

func client(t *testing.T, h http.HandlerFunc) (*Client, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return New(Config{WebhookURL: srv.URL + "/hooks/secretkey", Timeout: 5 * time.Second}, slog.New(slog.DiscardHandler)), srv.URL
}

func post(t *testing.T, c *Client) *orak.Fault {
	t.Helper()
	var f *orak.Fault
	require.ErrorAs(t, c.Post(context.Background(), "hello"), &f)
	require.NotContains(t, f.Error(), "secretkey")
	return f
}

func TestPostSendsTheText(t *testing.T) {
	t.Parallel()
	var got map[string]string
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, c.Post(context.Background(), "**hello**"))
	require.Equal(t, map[string]string{"text": "**hello**"}, got)
}

func TestPostClassifiesAnswers(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]orak.Class{
		404: orak.ClassInternal, 302: orak.ClassInternal, 408: orak.ClassDependency,
		500: orak.ClassDependency, 429: orak.ClassOverload, 503: orak.ClassOverload,
	} {
		c, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		f := post(t, c)
		require.Equal(t, class, f.Class, status)
		if class == orak.ClassOverload {
			require.Equal(t, 7*time.Second, f.RetryAfter)
		}
	}
}

func TestPostFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	post(t, c)
}

func TestErrorsHideTheURL(t *testing.T) {
	t.Parallel()
	c := New(Config{WebhookURL: "http://127.0.0.1:1/hooks/secretkey", Timeout: time.Second}, slog.New(slog.DiscardHandler))
	require.Equal(t, orak.ClassDependency, post(t, c).Class)
	bad := Config{WebhookURL: "ftp://host/secretkey", Timeout: time.Second}
	require.Error(t, bad.Validate())
	require.NotContains(t, bad.Validate().Error(), "secretkey")
	require.NoError(t, Config{Timeout: time.Second}.Validate())
	require.Equal(t, orak.ClassInternal, post(t, New(Config{WebhookURL: "http://a b/secretkey"}, slog.New(slog.DiscardHandler))).Class)
}

func TestPostWithoutWebhookLogsTheAlert(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := New(Config{Timeout: time.Second}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, c.Post(context.Background(), "three uploads parked"))
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "three uploads parked")
}

func TestRouteIsANamedWebhook(t *testing.T) {
	t.Parallel()
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.URL.Path) }))
	t.Cleanup(s.Close)
	var log bytes.Buffer
	c := New(Config{WebhookURL: s.URL + "/all", Webhooks: map[string]string{"quality": s.URL + "/quality"}, Timeout: time.Second},
		slog.New(slog.NewTextHandler(&log, nil)))
	for _, name := range []string{"", "quality", "nobody"} {
		require.NoError(t, c.Route(t.Context(), name).Post(t.Context(), "x"))
	}
	require.Equal(t, []string{"/all", "/quality", "/all"}, got)
	require.Contains(t, log.String(), "alert route is not configured")
	require.ErrorContains(t, Config{Webhooks: map[string]string{"quality": "secretkey"}, Timeout: time.Second}.Validate(), `"quality"`)
}

func TestRetryAfterReadsBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	require.Equal(t, 5*time.Second, retryAfter("5", now))
	require.Equal(t, time.Minute, retryAfter(now.Add(time.Minute).Format(http.TimeFormat), now))
	require.Zero(t, retryAfter("", now))
	require.Zero(t, retryAfter("-3", now))
	require.Zero(t, retryAfter("soon", now))
}
