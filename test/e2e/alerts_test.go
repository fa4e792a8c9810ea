package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/test/stack"
)

// TestAlertCommandsWork pastes each command into a shell, with an upload parked
// for it, until none is parked any more.
func TestAlertCommandsWork(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	shell := "env TEMPORAL_ADDRESS=" + d.Temporal + " TEMPORAL_CLI_ADDRESS=" + d.Temporal + " PATH=" + stack.OperatorTools(t) + ":" + d.bin + ":$PATH "
	named := d.park(t)
	alert := d.alert("1 upload dead-lettered")
	require.Contains(t, alert, string(named))
	_, block, _ := strings.Cut(alert, "```\n")
	block, _, _ = strings.Cut(block, "```")
	ran := 0
	for line := range strings.Lines(block) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		ran++
		d.paste(t, shell, strings.TrimSpace(line), named)
	}
	require.Equal(t, 9, ran)
	require.Contains(t, d.alert(":white_check_mark:"), "`convert` failed (`transient`)")
}

// paste runs a command of an alert for an upload that is parked now, and checks
// its effect.
func (d *desk) paste(t *testing.T, shell, command string, named orak.UploadID) {
	t.Helper()
	id := d.park(t)
	command = strings.ReplaceAll(command, string(named), string(id))
	dry := strings.Contains(command, " show ") || strings.Contains(command, "--dry-run")
	if strings.Contains(command, "--stage") && !dry {
		command += " --yes" // no person answers the question
	}
	if strings.Contains(command, "--query") {
		d.listed(t, id)
	}
	status, out, errs := d.sh(shell + command)
	require.Zero(t, status, "%s\n%s%s", command, out, errs)
	switch {
	case dry:
		require.Equal(t, orak.StatusDeadLettered, d.awaitEnd(t, id).Status, command)
		d.orak(t, "dlq", "reprocess", string(id))
		d.completes(t, id)
	case strings.Contains(command, "discard"):
		d.await(t, id, func(s orak.Status) bool { return s == orak.StatusDiscarded })
	default:
		d.completes(t, id)
	}
}

// listed waits until visibility shows the upload as parked.
func (d *desk) listed(t *testing.T, id orak.UploadID) {
	t.Helper()
	require.Eventually(t, func() bool {
		return strings.Contains(d.orak(t, "dlq", "list", "--json"), string(id))
	}, patience, 100*time.Millisecond)
}

// alert waits for a message with text.
func (d *desk) alert(text string) string {
	d.t.Helper()
	for {
		select {
		case message := <-d.alerts:
			if strings.Contains(message, text) {
				return message
			}
		case <-time.After(patience):
			require.FailNow(d.t, "no message", "with %q", text)
		}
	}
}
