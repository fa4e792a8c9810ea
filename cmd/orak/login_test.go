package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
)

// guardedWire is a server that only takes one key, and has nothing.
func guardedWire(t *testing.T, key string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNotFound
		if r.Header.Get("Authorization") != "Bearer "+key {
			status = http.StatusUnauthorized
		}
		w.Header().Set("Content-Type", "application/problem+json")
		reply(w, status, resource.Problem{Status: status, Title: http.StatusText(status), Detail: "The credential is not valid."})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestLoginIsKeptForTheNextCommand(t *testing.T) {
	t.Parallel()
	const key = "orak_abcdefghijkl_secret"
	server := guardedWire(t, key)
	home := t.TempDir()
	environ := []string{"COLUMNS=80", "LANG=C.UTF-8", "HOME=" + home, "ORAK_DATA_DIR=" + filepath.Join(home, "none")}
	path := filepath.Join(home, ".config", "orak", "login.json")
	login := func(key string, args ...string) outcome {
		return orakRunFrom(t.Context(), strings.NewReader(key+"\n"), environ, append([]string{"login", "--server", server.URL}, args...)...)
	}

	got := login("orak_abcdefghijkl_wrong")
	require.NotEqual(t, exitOK, got.code)
	require.Contains(t, got.err, "credential is not valid")
	require.NoFileExists(t, path, "a refused key is not kept")
	require.Equal(t, exitUsage, login("").code, "no key")
	require.Equal(t, exitUsage, login("", "--api-key", key).code, "a key is no argument: every user of the machine could read it")

	got = login(key)
	require.Equal(t, exitOK, got.code, got.err)
	require.NotContains(t, got.out+got.err, key)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), key)

	status := func(more ...string) outcome {
		return orakRunEnv(t.Context(), append(environ, more...), "status", string(testID))
	}
	require.Contains(t, status().err, "Not Found", "the next command has the server and the key")
	other := guardedWire(t, "another")
	require.NotContains(t, status("ORAK_SERVER="+other.URL).err, "Not Found", "the key is not sent to another server")

	require.Equal(t, exitOK, login("", "--logout").code)
	require.NoFileExists(t, path)
}
