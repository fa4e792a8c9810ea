package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

func TestRefusalsAreProblemsInJSON(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	want := resource.Problem{Type: "urn:orak:problem:not-found", Status: http.StatusNotFound, Title: "There is no such resource"}
	w.refuse["GET /v1/uploads/"+testID] = want
	got := orakRun(t.Context(), w.URL, "status", testID, "--json")
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.out)
	var problem resource.Problem
	require.NoError(t, json.Unmarshal([]byte(got.err), &problem))
	require.Equal(t, want, problem)
}

func TestUnreachableServerIsOneClearLine(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.Close()
	for _, args := range [][]string{
		{"upload", recording(t, "a.m4a")}, {"status", testID}, {"analysis", testID},
		{"dlq", "list"}, {"dlq", "show", testID}, {"dlq", "reprocess", testID}, {"dlq", "discard", testID},
	} {
		got := orakRun(t.Context(), w.URL, args...)
		require.Equal(t, exitUnreachable, got.code, args)
		require.Contains(t, got.err, w.URL+` does not answer (connection refused). Start it with "go tool task up"`)
	}
}

func TestUsageErrorsAreFoundBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	file := recording(t, "a.m4a")
	for want, args := range map[string][]string{
		"not an upload id":      {"status", "../../etc"},
		"no such file":          {"upload", file, filepath.Join(t.TempDir(), "none.m4a")},
		"not a regular file":    {"upload", t.TempDir()},
		"is for one file":       {"upload", file, file, "--idempotency-key", "k"},
		"unexpected argument":   {"uplaod", file},
		"unknown flag --wacth":  {"upload", file, "--wacth"},
		"want a URL":            {"status", testID, "--server", "example.org"},
		"tenant":                {"status", testID, "--tenant", "No Tenant"},
		"must be one of":        {"dlq", "reprocess", testID, "--from", "receive"},
		"say which":             {"dlq", "reprocess"},
		"not both":              {"dlq", "discard", testID, "--class", "input"},
		"want one of receive":   {"dlq", "list", "--stage", "polish"},
		"want one of input":     {"dlq", "discard", "--class", "input,none", "--yes"},
		"--older-than":          {"dlq", "list", "--older-than", "yesterday"},
		"want at least 1":       {"dlq", "discard", "--all", "--limit", "0", "--yes"},
		"--rate":                {"dlq", "reprocess", "--all", "--rate", "fast", "--yes"},
		"--watch needs ids":     {"dlq", "reprocess", "--all", "--watch", "--yes"},
		"not a terminal to ask": {"dlq", "discard", "--all"},
	} {
		got := orakRun(t.Context(), w.URL, args...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.err)
		require.Contains(t, got.err, want)
	}
	require.Empty(t, w.asked)
}

func TestCommandsToPasteRepeatWhatTheShellDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusQueued))
	path := filepath.Join(t.TempDir(), "orak.yaml")
	require.NoError(t, os.WriteFile(path, []byte("server: "+w.URL+"\n"), 0o600))
	want := "orak status " + testID + " --watch --server " + w.URL + "\n"
	for _, c := range []struct {
		args, env []string
		repeated  bool
	}{
		{[]string{"--server", w.URL}, nil, true},
		{[]string{"--config", path}, nil, true},
		{nil, []string{"ORAK_SERVER=" + w.URL}, false},
		{nil, []string{"ORAK_CONFIG=" + path}, false},
	} {
		got := orakRunEnv(t.Context(), append(c.env, "COLUMNS=80"), append([]string{"status", testID}, c.args...)...)
		require.Equal(t, exitOK, got.code, got.err)
		require.Equal(t, c.repeated, strings.HasSuffix(got.out, want), got.out)
	}
}
