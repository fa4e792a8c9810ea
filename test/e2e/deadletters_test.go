package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/test/stack"
)

// desk is an operator's workplace: a service with dead letters, and the command
// line.
type desk struct {
	*parking
	t   *testing.T
	bin string
}

func startDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{parking: startParking(t), t: t, bin: filepath.Dir(stack.Orak(t))}
}

// command prepares a command line in a shell that knows the server.
func (d *desk) command(words string) *exec.Cmd {
	cmd := exec.CommandContext(d.t.Context(), "sh", "-c", "exec "+words)
	cmd.Env = stack.Environ("ORAK_SERVER="+d.API, "PATH="+d.bin+":"+os.Getenv("PATH"))
	return cmd
}

// sh runs a command line to its end, and returns its status and output.
func (d *desk) sh(words string) (status int, out, errs string) {
	d.t.Helper()
	var stdout, stderr strings.Builder
	cmd := d.command(words)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), stdout.String(), stderr.String()
	}
	require.NoError(d.t, err, words)
	return 0, stdout.String(), stderr.String()
}

// line is one line that a bulk command prints with --json.
type line struct {
	Phase            string
	Count, More      int
	Done, Gone, Left int
	Refused          map[string]int
	Resume           string
}

// bulk runs a bulk command with --json, and returns its last line.
func (d *desk) bulk(wantStatus int, command string) (last line) {
	d.t.Helper()
	status, out, errs := d.sh(strings.TrimSuffix(command, " --json") + " --json")
	require.Equal(d.t, wantStatus, status, "%s\n%s%s", command, out, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.NoError(d.t, json.Unmarshal([]byte(lines[len(lines)-1]), &last), out)
	return last
}

// selected returns the ids that a selection lists.
func (d *desk) selected(flags string) map[orak.UploadID]resource.DeadLetter {
	d.t.Helper()
	status, out, errs := d.sh("orak dlq list --limit 0 --json " + flags)
	require.Zero(d.t, status, errs)
	found := map[orak.UploadID]resource.DeadLetter{}
	for line := range strings.Lines(out) {
		var page resource.DeadLetterPage
		require.NoError(d.t, json.Unmarshal([]byte(line), &page))
		for _, letter := range page.DeadLetters {
			found[letter.ID] = letter
		}
	}
	return found
}

// waitFor waits until visibility lists n of a selection.
func (d *desk) waitFor(n int, flags string) map[orak.UploadID]resource.DeadLetter {
	d.t.Helper()
	var found map[orak.UploadID]resource.DeadLetter
	require.Eventually(d.t, func() bool { found = d.selected(flags); return len(found) == n }, patience, patience/1000, "%d dead letters of %s", n, flags)
	return found
}

// waitForCycle waits until every upload is parked in a cycle.
func (d *desk) waitForCycle(ids []orak.UploadID, cycle int) {
	d.t.Helper()
	for _, id := range ids {
		var letter resource.DeadLetterDetail
		require.Eventually(d.t, func() bool {
			return d.get(d.t.Context(), "/v1/dead-letters/"+string(id), &letter) == nil && letter.Cycle == cycle
		}, patience, patience/1000, "%s in cycle %d; it is %+v", id, cycle, &letter)
	}
}

func (d *desk) breakFFmpeg()  { require.NoError(d.t, os.WriteFile(d.broken, nil, 0o600)) }
func (d *desk) repairFFmpeg() { require.NoError(d.t, os.Remove(d.broken)) }
func (d *desk) noAudio() orak.UploadID {
	d.t.Helper()
	status, answer, err := d.send(d.t.Context(), sending{body: []byte("caff\x00\x01\x00\x00 and then text"), contentType: "audio/x-caf", filename: "Notes.caf"})
	require.NoError(d.t, err)
	require.Equal(d.t, http.StatusAccepted, status, "%s", answer)
	var accepted resource.Accepted
	require.NoError(d.t, json.Unmarshal(answer, &accepted))
	return accepted.ID
}

// TestDeadLettersAreDecidedInBulk decides on two files that are no
// recordings, and on six that failed because ffmpeg did not work.
func TestDeadLettersAreDecidedInBulk(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	notes := []orak.UploadID{d.noAudio(), d.noAudio()}
	for _, id := range notes {
		require.Equal(t, orak.ClassInput, d.awaitEnd(t, id).Failure.Class)
	}
	d.breakFFmpeg()
	tune := tuneFile(t)
	var tunes []orak.UploadID
	for range 6 {
		tunes = append(tunes, d.upload(t, tune).ID)
	}
	for _, id := range tunes {
		require.Equal(t, orak.ClassTransient, d.awaitEnd(t, id).Failure.Class)
	}
	d.waitFor(8, "")

	t.Run("a selection is listed", func(t *testing.T) {
		for flags, want := range map[string]int{
			"--class transient": 6, "--class input,model": 2, "--stage convert": 8, "--stage analyze,publish": 0,
			"--text notes.CAF": 2, "--text " + string(tunes[0]): 1, "--older-than 1h": 0, "--newer-than 1h --class input": 2,
			"--tenant choir": 0, "--tenant default --class input": 2,
		} {
			require.Len(t, d.selected(flags), want, flags)
		}
		status, _, errs := d.sh("orak dlq list --class none")
		require.Equal(t, 2, status)
		require.Contains(t, errs, "want one of input")
	})
	t.Run("a dry run does nothing", func(t *testing.T) {
		plan := d.bulk(0, "orak dlq reprocess --all --limit 5 --dry-run")
		require.Equal(t, []int{5, 3}, []int{plan.Count, plan.More})
		for _, letter := range d.waitFor(8, "") {
			require.Zero(t, letter.Cycle)
		}
	})
	t.Run("refusals are counted by reason", func(t *testing.T) {
		result := d.bulk(1, "orak dlq reprocess --class transient --from publish --yes --rate 0")
		require.Zero(t, result.Done)
		require.Len(t, result.Refused, 1)
		for reason, n := range result.Refused {
			require.Contains(t, reason, "publish needs an analysis")
			require.Equal(t, 6, n)
		}
		for body, reason := range map[string]string{
			`"options":{"engine":"none such"}`: "Options: engine: unknown engine",
			`"options":{"timeout":"25h"}`:      "Options: timeout: want a duration from 1s to 24h",
			`"options":{"tiemout":"1h"}`:       "Options: unknown option",
			`"from":"analyze"`:                 "From: analyze needs converted audio",
		} {
			status, problem := d.post(t, "/v1/dead-letters/"+string(tunes[0])+"/reprocess", `{"by":"me","reason":"x",`+body+`}`)
			require.Equal(t, http.StatusBadRequest, status, problem)
			require.Contains(t, problem, reason)
		}
		d.waitForCycle(tunes, 0)
	})
	t.Run("a capped bulk can be continued", func(t *testing.T) {
		result := d.bulk(0, "orak dlq discard --text notes --limit 1 --yes")
		require.Equal(t, 1, result.Done)
		require.NotEmpty(t, result.Resume)
		// Its list may still show the first, which is gone and no error.
		require.Eventually(t, func() bool { return d.bulk(0, result.Resume).Done == 1 }, patience, patience/1000)
		for _, id := range notes {
			d.await(t, id, func(s orak.Status) bool { return s == orak.StatusDiscarded })
		}
		status, _, errs := d.sh("orak dlq show " + string(notes[0]))
		require.Equal(t, 1, status)
		require.Contains(t, errs, "The upload is discarded and not a dead letter.")
	})
	t.Run("an interrupted bulk takes nothing twice", func(t *testing.T) {
		first := d.interrupted(t, "orak dlq reprocess --class transient --rate 3/s --yes --json", 2)
		// What was run again fails again, and any command but a resumed one would
		// select it.
		require.Eventually(t, func() bool {
			again := 0
			for _, letter := range d.waitFor(6, "--class transient") {
				again += letter.Cycle
			}
			return again >= first.Done
		}, patience, patience/1000)
		require.LessOrEqual(t, d.bulk(0, first.Resume).Done, first.Left)
		d.waitForCycle(tunes, 1)
	})
	t.Run("what failed again is shown with its first cause", func(t *testing.T) {
		status, out, errs := d.sh("orak dlq show " + string(tunes[0]) + " --json")
		require.Zero(t, status, errs)
		var letter resource.DeadLetterDetail
		require.NoError(t, json.Unmarshal([]byte(out), &letter))
		require.Equal(t, orak.ClassTransient, letter.First.Class)
		require.True(t, letter.First.LastAt.Before(letter.FirstAt))
		require.WithinDuration(t, letter.LastAt.Add(7*24*time.Hour), letter.ExpiresAt, time.Hour)
		require.Equal(t, string(tunes[0]), letter.Event.Key)
		require.Contains(t, letter.Event.Value, `"upload_id":"`+string(tunes[0])+`"`)
		var kinds []orak.MarkKind
		for _, mark := range letter.Timeline {
			kinds = append(kinds, mark.Kind)
		}
		round := []orak.MarkKind{orak.MarkAttemptFailed, orak.MarkAttemptFailed, orak.MarkAttemptFailed, orak.MarkDeadLettered}
		require.Equal(t, slices.Concat(round, []orak.MarkKind{orak.MarkReprocessed}, round), kinds)
		_, out, _ = d.sh("orak dlq show " + string(tunes[0]))
		for _, want := range []string{"First cause", "Expires", "attempt 3, failed (transient)", "run again from convert by", letter.Commands.Reprocess.Tctl} {
			require.Contains(t, out, want)
		}
	})
	t.Run("uploads complete after the fix", func(t *testing.T) {
		d.repairFFmpeg()
		d.waitFor(6, "--class transient")
		status, out, errs := d.sh("orak dlq reprocess --class transient --yes --rate 0 --timeout 10m --max-duration 1h --engine builtin")
		require.Zero(t, status, errs)
		require.Contains(t, out, "6 run again.")
		for _, id := range tunes {
			d.completes(t, id)
		}
		d.waitFor(0, "")
	})
}

// interrupted runs a bulk command until n uploads are decided on, interrupts it
// as Ctrl-C does, and returns its result.
func (d *desk) interrupted(t *testing.T, words string, n int) (last line) {
	t.Helper()
	cmd := d.command(words)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	for seen := 0; ; {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		last = line{}
		require.NoError(t, json.Unmarshal(text, &last))
		if last.Phase != "decision" {
			continue
		}
		// Once: a second interrupt ends the process without output.
		if seen++; seen == n {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	err = cmd.Wait()
	require.Equal(t, 130, cmd.ProcessState.ExitCode(), "%v %s", err, &stderr)
	require.Equal(t, "result", last.Phase)
	require.Positive(t, last.Left)
	return last
}
