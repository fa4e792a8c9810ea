package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAllTenantsIsSentAndRepeated(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.parked(1)
	got := orakRun(t.Context(), w.URL, "dlq", "list", "--all-tenants")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, "*", w.tenant)
	require.Contains(t, got.err, "orak dlq show ID")
	require.Contains(t, got.err, "--all-tenants")

	got = orakRun(t.Context(), w.URL, "dlq", "list")
	require.Equal(t, exitOK, got.code, got.err)
	require.Empty(t, w.tenant, "this is the server's default tenant")

	got = orakRun(t.Context(), w.URL, "dlq", "list", "--all-tenants", "--tenant", "choir")
	require.Equal(t, exitUsage, got.code, got.err)
	require.Contains(t, got.err, "exclude each other")
}

// A variable that is not set must not select more than was meant.
func TestEmptySelectionFlagIsRefused(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, args := range [][]string{
		{"dlq", "discard", "--class", "input", "--text", "", "--yes"},
		{"dlq", "reprocess", "--stage", "analyze", "--older-than=", "--yes"},
		{"dlq", "list", "--class="},
		{"replay", "--since", "2h", "--until="},
	} {
		got := orakRun(t.Context(), w.URL, args...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.err)
		require.Contains(t, got.err, "is empty", "%v", args)
	}
	require.Empty(t, w.asked)
}
