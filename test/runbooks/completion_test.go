package runbooks

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/test/stack"
)

// The program lies in a folder whose name a shell would split, and a real bash
// completes with what the command printed.
func TestBashCompletesCommandsAndFlags(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "it's one folder")
	require.NoError(t, exec.CommandContext(t.Context(), "mkdir", folder).Run())
	program := filepath.Join(folder, "orak")
	require.NoError(t, exec.CommandContext(t.Context(), "cp", stack.Orak(t), program).Run())
	for line, want := range map[string]string{
		"orak upl":           "upload uploads",
		"orak settings ":     "list set unset",
		"orak uploads --sta": "--status",
		"orak nonsense":      "",
	} {
		// What bash itself does at a Tab: it runs the registered command with the line.
		command := exec.CommandContext(t.Context(), "bash", "-c", `
			set -eo pipefail
			source <("$0" completion bash)
			words=$(complete -p orak); eval "words=($words)"
			command=${words[6]}
			COMP_LINE=$1 COMP_POINT=${#1} bash -c "$command" | sort | paste -sd " "`, program, line)
		out, err := command.Output()
		require.NoError(t, err, "%s", out)
		require.Equal(t, want, strings.TrimSpace(string(out)), line)
	}
}
