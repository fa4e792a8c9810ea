package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
)

func TestConsoleAddressLogsInOnce(t *testing.T) {
	t.Parallel()
	const key = "orak_abcdefghijkl_secret"
	var open atomic.Bool // nobody logs in
	ways := func() []string {
		if open.Load() {
			return []string{}
		}
		return []string{"key"}
	}
	until := time.Date(2026, 11, 29, 9, 5, 0, 0, time.UTC)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key && r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/problem+json")
			reply(w, http.StatusUnauthorized, resource.Problem{Status: http.StatusUnauthorized, Title: "No credential", Detail: "Send an API key."})
			return
		}
		switch r.Method + " " + r.URL.Path {
		case "GET /v1/session":
			reply(w, http.StatusOK, resource.Session{Authenticated: true, Ways: ways()})
		case "POST /v1/login-codes":
			reply(w, http.StatusCreated, resource.LoginCode{Code: "c0de", ExpiresAt: until, URL: "/login#code=c0de"})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	address := func(env ...string) outcome {
		return orakRunEnv(t.Context(), append([]string{"HOME=" + t.TempDir(), "ORAK_DATA_DIR=none", "COLUMNS=80"}, env...), "console", "--server", s.URL)
	}

	got := address("ORAK_API_KEY=" + key)
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, s.URL+"/login#code=c0de\n", got.out, "only the address, for a pipe")
	require.Contains(t, got.err, "logs in once")
	got = orakRunEnv(t.Context(), []string{"HOME=" + t.TempDir(), "ORAK_API_KEY=" + key}, "console", "--json", "--server", s.URL)
	var printed consoleAddress
	require.NoError(t, json.Unmarshal([]byte(got.out), &printed), got.out)
	require.Equal(t, consoleAddress{URL: s.URL + "/login#code=c0de", ExpiresAt: until}, printed)

	require.Contains(t, address().err, "Send an API key")
	open.Store(true)
	got = address()
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, s.URL+"/\n", got.out, "nobody logs in")
}
