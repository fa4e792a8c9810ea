package main

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orak/test/certs"

	"github.com/stretchr/testify/require"
)

func TestEngineCheckPrintsFailedChecksAndFails(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/capacity" {
			_, _ = w.Write([]byte("{\"engine\": \"\x1b[31m\"}"))
		}
	}))
	defer server.Close()
	got := orakRun(t.Context(), defaultServer, "engine", "check", server.URL)
	require.Equal(t, exitFailed, got.code)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 4, got.out)
	require.Regexp(t, `^ok +live +/livez answered 200$`, lines[0])
	require.Regexp(t, `^failed +capacity +`, lines[2])
	require.Equal(t, "3 checks, 1 failed", lines[3])
	require.NotContains(t, got.out, "\x1b")
	require.Empty(t, got.err)

	got = orakRun(t.Context(), defaultServer, "engine", "check", server.URL, "--json")
	require.Equal(t, exitFailed, got.code)
	var shown struct {
		OK     bool
		Checks []struct {
			Name, Why string
			OK        bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &shown))
	require.False(t, shown.OK)
	require.Len(t, shown.Checks, 3)
	require.False(t, shown.Checks[2].OK)
}

func TestEngineCheckNeedsAURL(t *testing.T) {
	t.Parallel()
	require.Equal(t, exitUsage, orakRun(t.Context(), defaultServer, "engine", "check", "ftp://x").code)
	require.Equal(t, exitUsage, orakRun(t.Context(), defaultServer, "engine", "check", "").code)
	require.Equal(t, exitUsage, orakRun(t.Context(), defaultServer, "engine", "check", "http://x", "--protocol", "grpc").code)
}

func TestEngineCheckOfAnAbsentServerFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	got := orakRun(t.Context(), defaultServer, "engine", "check", "http://"+l.Addr().String())
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, "refused")
}

func TestEngineCheckOfASecuredServer(t *testing.T) {
	t.Parallel()
	authority := certs.NewAuthority(t)
	pair := authority.Server(t, "127.0.0.1")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair.Certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	check := func(token, ca string) outcome {
		env := []string{"COLUMNS=80", "LANG=C.UTF-8", "ORAK_MODEL_SERVER_TOKEN=" + token, "ORAK_MODEL_SERVER_TLS_CA=" + ca}
		return orakRunEnv(t.Context(), env, "engine", "check", server.URL)
	}
	require.Regexp(t, `(?m)^ok +live `, check("secret", authority.File).out)
	require.Regexp(t, `(?m)^failed +live .*401`, check("", authority.File).out)
	require.Regexp(t, `(?m)^failed +live .*certificate`, check("secret", "").out)
	got := check("secret", authority.File+".gone")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "model-server-tls-ca")
}
