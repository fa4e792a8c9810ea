package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/operate/versions"
)

func TestVersionCommandsNeedADeploymentAndConsent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words string
		args  []string
	}{
		{"--worker-deployment", []string{"list"}},
		{"--worker-deployment", []string{"current", "v1", "--yes"}},
		{"--yes", []string{"current", "v1", "--worker-deployment=orak"}},
		{"not both", []string{"current", "v1", "--unversioned", "--yes", "--worker-deployment=orak"}},
		{"letters", []string{"current", "v 1", "--yes", "--worker-deployment=orak"}},
		{"letters", []string{"list", "--worker-deployment=or.ak"}},
		{"percentage", []string{"ramp", "v1", "101", "--yes", "--worker-deployment=orak"}},
	} {
		got := orakRun(t.Context(), defaultServer, append([]string{"worker", "version"}, c.args...)...)
		require.Equal(t, exitUsage, got.code, got.err)
		require.Contains(t, got.err, c.words)
	}
}

func TestVersionThatWasChangedIsNamed(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]versions.Change{
		"Current is build v2; it was build v1.":                     {Build: "v2"},
		"Current is workers without a version; it was build v1.":    {},
		"build v1 was current already, and gets everything.":        {Build: "v1"},
		"build v2 gets 12.5 % of the uploads; current is build v1.": {Build: "v2", Ramp: true, Percent: 12.5},
		"build v2 gets no uploads any more; current is build v1.":   {Build: "v2", Ramp: true},
	} {
		con, out, _ := testConsole(80)
		require.NoError(t, con.changedVersion(c, "v1"))
		require.Contains(t, out.String(), want)
		con, out, _ = testConsole(80)
		con.JSON = true
		require.NoError(t, con.changedVersion(c, "v1"))
		require.True(t, bytes.Contains(out.Bytes(), []byte(`"current_before":"v1"`)), out.String())
	}
}
