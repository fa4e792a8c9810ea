package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
)

// stageView shows an upload's way through the stages. On a terminal the
// running stage is a line that moves; elsewhere every change is a line.
type stageView struct {
	con  *console
	name string

	mu      sync.Mutex
	current resource.Upload
	since   time.Time
	frame   int
	drawn   bool
	lost    bool

	stop chan struct{}
	done chan struct{}
}

// frameEvery is how often the moving line is drawn.
const frameEvery = 100 * time.Millisecond

// newStageView draws until close.
func newStageView(con *console, name string) *stageView {
	v := &stageView{con: con, name: clean(name), since: con.now(), stop: make(chan struct{}), done: make(chan struct{})}
	go v.animate()
	return v
}

func (v *stageView) animate() {
	defer close(v.done)
	if !v.con.live || v.con.json {
		return
	}
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-tick.C:
			v.mu.Lock()
			v.frame++
			v.draw()
			v.mu.Unlock()
		}
	}
}

// close ends the drawing and leaves the terminal on an empty line.
func (v *stageView) close() {
	close(v.stop)
	<-v.done
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
}

// changed is told of every change.
func (v *stageView) changed(u resource.Upload) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := v.current
	v.current = u
	if v.con.json {
		return
	}
	if before.Status != u.Status {
		v.finished(before, u)
		v.since = v.con.now()
	}
	if !v.con.live && (before.Status != u.Status || before.Attempt != u.Attempt) && !client.Over(u) {
		v.con.tell("%s: %s", v.name, stateText(u))
	}
	v.draw()
}

// finished writes down the stages that lie between two states: a quick stage
// may have come and gone between two events.
func (v *stageView) finished(before, now resource.Upload) {
	if !v.con.live || before.Status == "" {
		return
	}
	if now.Status == orak.StatusDeadLettered {
		if i := position(before.Status); i >= 0 {
			v.erase()
			v.con.tell("%s %s%s", paint(v.con.colorErr, red, v.con.marks.failed), pad(string(orak.Stages()[i]), 9), took(v.con.now().Sub(v.since)))
		}
		return
	}
	from, to := position(before.Status), position(now.Status)
	for i := max(from, 0); i < to; i++ {
		stage := orak.Stages()[i]
		line := fmt.Sprintf("%s %s", paint(v.con.colorErr, green, v.con.marks.done), pad(string(stage), 9))
		if i == from {
			line += took(v.con.now().Sub(v.since))
		}
		v.erase()
		v.con.tell("%s", strings.TrimRight(line, " "))
	}
}

// position is the index of the running stage; -1 before the first, and their
// number after the last.
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

// unreachable is told of an outage; it says so once an outage.
func (v *stageView) unreachable(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.lost || v.con.json {
		return
	}
	v.lost = true
	v.erase()
	v.con.tell("%s the server does not answer (%s); the upload is safe there, asking again until it does", v.con.marks.note, why(err))
}

// found is told of an outage's end.
func (v *stageView) found() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.lost {
		return
	}
	v.lost = false
	v.erase()
	v.con.tell("%s the server answers again", paint(v.con.colorErr, green, v.con.marks.done))
}

// why is err in as few words as will do.
func why(err error) string {
	var down *client.Unreachable
	if errors.As(err, &down) {
		return reason(down)
	}
	return clean(err.Error())
}

func (v *stageView) erase() {
	if v.drawn {
		v.con.eraseLine()
		v.drawn = false
	}
}

// draw writes the moving line; the caller holds the lock.
func (v *stageView) draw() {
	if !v.con.live || v.con.json || client.Over(v.current) {
		return
	}
	spinner := v.con.marks.spinner[v.frame%len(v.con.marks.spinner)]
	text := v.runningText()
	fmt.Fprintf(v.con.err, "\r\x1b[K%s %s", paint(v.con.colorErr, yellow, spinner), fit(text, v.con.width-3))
	v.drawn = true
}

func (v *stageView) runningText() string {
	label := "waiting"
	if i := position(v.current.Status); i >= 0 && i < len(orak.Stages()) {
		label = string(orak.Stages()[i])
	}
	text := pad(label, 9)
	if p := v.current.StageProgress; p != nil && *p >= 0 {
		text += v.bar(*p) + fmt.Sprintf(" %3.0f %%  ", 100*min(*p, 1))
	}
	text += took(v.con.now().Sub(v.since))
	if v.current.Attempt > 1 {
		text += fmt.Sprintf("  attempt %d", v.current.Attempt)
	}
	if v.lost {
		text += "  (no answer)"
	}
	return text
}

func (v *stageView) bar(share float64) string {
	size := min(max(v.con.width-45, 0), 30)
	full := int(math.Round(min(max(share, 0), 1) * float64(size)))
	return strings.Repeat(v.con.marks.full, full) + strings.Repeat(v.con.marks.empty, size-full)
}

// stateText is one state in words.
func stateText(u resource.Upload) string {
	text := clean(string(u.Status))
	if u.Halted {
		return "halted while " + strings.ReplaceAll(text, "_", "-")
	}
	var more []string
	if u.Attempt > 1 {
		more = append(more, fmt.Sprintf("attempt %d", u.Attempt))
	}
	if u.StageProgress != nil && *u.StageProgress >= 0 {
		more = append(more, percent(min(*u.StageProgress, 1)))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return strings.ReplaceAll(text, "_", "-")
}
