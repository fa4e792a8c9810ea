package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"upload", "status", "analysis", "audio", "watch", "cancel", "api", "bridge", "worker", "version",
		"dlq list", "dlq show", "dlq reprocess", "dlq discard", "config show", "config reference", "engine check",
		"completion", "settings list", "settings set", "settings unset",
		"worker version list", "worker version current", "worker version ramp",
	} {
		got := orakRun(t.Context(), defaultServer, append(strings.Fields(command), "--help")...)
		require.Equal(t, exitOK, got.code, command)
		require.Contains(t, got.out, "Examples:", command)
		require.Contains(t, got.out, "\n    ", command)
	}
	got := orakRun(t.Context(), defaultServer, "--help")
	require.Contains(t, got.out, "Exit codes: 0 done")
}

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	got := orakRun(t.Context(), defaultServer, "version")
	require.True(t, strings.HasPrefix(got.out, "orak "), got.out)
	got = orakRun(t.Context(), defaultServer, "version", "--json")
	require.True(t, json.Valid([]byte(got.out)))
}
