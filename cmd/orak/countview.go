package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// countView shows how far something has come that is counted: a bar on a terminal, a line now
// and then elsewhere.
type countView struct {
	con  *console
	verb string
	noun string

	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	told time.Time
}

// lineEvery is how often a line is written where no bar can be drawn.
const lineEvery = 5 * time.Second

func newCountView(con *console, verb, noun string) *countView {
	return &countView{con: con, verb: verb, noun: noun}
}

func (v *countView) progress(done, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.con.json:
	case v.con.live:
		if v.bar == nil {
			v.bar = v.newBar(total)
		}
		// As in sendView.
		_ = v.bar.Set64(min(done, total))
	case v.con.now().Sub(v.told) >= lineEvery || done == total:
		v.told = v.con.now()
		v.con.tell("%s: %d of %s", v.verb, done, count(int(total), v.noun))
	}
}

func (v *countView) newBar(total int64) *progressbar.ProgressBar {
	room := v.con.width - 1
	return progressbar.NewOptions64(max(total, 1),
		progressbar.OptionSetWriter(v.con.err),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: v.con.marks.full, SaucerPadding: v.con.marks.empty}),
		progressbar.OptionThrottle(65*time.Millisecond),
		progressbar.OptionEnableColorCodes(false),
		progressbar.OptionSetDescription(v.verb),
		progressbar.OptionSetWidth(max((room-barRoom)/2, 4)),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(room >= barRoom+20),
		progressbar.OptionSetElapsedTime(room >= barRoom+20))
}

// clear takes the bar away.
func (v *countView) clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.bar != nil {
		v.con.eraseLine()
		v.bar = nil
	}
}
