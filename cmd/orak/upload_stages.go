package main

import (
	"fmt"
	"strings"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

// stageView shows the way of an upload through the stages. On a terminal the
// running stage is a moving line; elsewhere every change is a line.
type stageView struct {
	con  *console
	name string
	line *terminal.Spinner

	// The rest is read and written within line.Update only.
	current resource.Upload
	since   time.Time
	lost    bool
}

// newStageView draws until line is closed.
func newStageView(con *console, name string) *stageView {
	v := &stageView{con: con, name: terminal.Clean(name), since: con.Now()}
	v.line = con.NewSpinner(v.runningText)
	return v
}

// changed shows a change of the upload.
func (v *stageView) changed(u resource.Upload) {
	v.line.Update(func() {
		before := v.current
		v.current = u
		if v.con.JSON {
			return
		}
		if before.Status != u.Status {
			v.finished(before, u)
			v.since = v.con.Now()
		}
		if !v.con.Live && (before.Status != u.Status || before.Attempt != u.Attempt) && !client.Over(u) {
			v.con.Tell("%s: %s", v.name, stateText(u))
		}
	})
}

// finished writes down the stages that lie between two states: a quick stage
// may have come and gone between two events.
func (v *stageView) finished(before, now resource.Upload) {
	if !v.con.Live || before.Status == "" {
		return
	}
	took := terminal.Took(v.con.Now().Sub(v.since))
	from, to := position(before.Status), position(now.Status)
	if now.Status == orak.StatusDeadLettered {
		if from >= 0 {
			v.line.Tell("%s %s%s", v.con.PaintErr(terminal.Red, v.con.Marks.Failed), terminal.Pad(string(orak.Stages()[from]), 9), took)
		}
		return
	}
	for i := max(from, 0); i < to; i++ {
		line := fmt.Sprintf("%s %s", v.con.PaintErr(terminal.Green, v.con.Marks.Done), terminal.Pad(string(orak.Stages()[i]), 9))
		if i == from {
			line += took
		}
		v.line.Tell("%s", strings.TrimRight(line, " "))
	}
}

// position returns the index of the running stage; -1 before the first, and
// their number after the last.
func position(s orak.Status) int {
	for i, stage := range orak.Stages() {
		if stage.Running() == s {
			return i
		}
	}
	if s == orak.StatusCompleted {
		return len(orak.Stages())
	}
	return -1
}

// unreachable shows an outage of the server, once.
func (v *stageView) unreachable(err error) {
	v.line.Update(func() {
		if !v.lost && !v.con.JSON {
			v.lost = true
			v.line.Tell("%s the server does not answer (%s); the upload is safe there. Trying again until it answers.", v.con.Marks.Note, why(err))
		}
	})
}

// found shows the end of an outage.
func (v *stageView) found() {
	v.line.Update(func() {
		if v.lost {
			v.lost = false
			v.line.Tell("%s the server answers again", v.con.PaintErr(terminal.Green, v.con.Marks.Done))
		}
	})
}

// runningText is the moving line; empty once the upload is over.
func (v *stageView) runningText() string {
	if client.Over(v.current) {
		return ""
	}
	label := "waiting"
	if i := position(v.current.Status); i >= 0 && i < len(orak.Stages()) {
		label = string(orak.Stages()[i])
	}
	text := terminal.Pad(label, 9)
	if p := v.current.StageProgress; p != nil && *p >= 0 {
		text += v.con.Gauge(*p, min(max(v.con.Width-45, 0), 30)) + fmt.Sprintf(" %3.0f %%  ", 100*min(*p, 1))
	}
	text += terminal.Took(v.con.Now().Sub(v.since))
	if v.current.Attempt > 1 {
		text += fmt.Sprintf("  attempt %d", v.current.Attempt)
	}
	if v.lost {
		text += "  (no answer)"
	}
	return text
}

// stateText returns a state in words.
func stateText(u resource.Upload) string {
	text := terminal.Clean(string(u.Status))
	if u.Halted {
		return "halted while " + strings.ReplaceAll(text, "_", "-")
	}
	var more []string
	if u.Attempt > 1 {
		more = append(more, fmt.Sprintf("attempt %d", u.Attempt))
	}
	if u.StageProgress != nil && *u.StageProgress >= 0 {
		more = append(more, terminal.Percent(min(*u.StageProgress, 1)))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return strings.ReplaceAll(text, "_", "-")
}
