package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// sendView shows how much of a file is on its way. On a terminal it is a bar
// that vanishes; elsewhere one line.
type sendView struct {
	con  *console
	name string

	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	told bool
	over bool
}

func newSendView(con *console, name string) *sendView {
	return &sendView{con: con, name: clean(name)}
}

// barRoom is what a bar needs beside its name and itself: share, bytes, speed
// and time.
const barRoom = 52

// progress is called by the transport's goroutine, and may still be called
// once when the file has already been answered for.
func (v *sendView) progress(sent, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.con.json || v.over {
		return
	}
	if !v.con.live {
		if !v.told {
			v.told = true
			v.con.tell("%s: sending %s", v.name, bytesText(total))
		}
		return
	}
	if v.bar == nil {
		v.bar = v.newBar(total)
	}
	// The bar writes to the terminal alone; where that fails nobody can read.
	_ = v.bar.Set64(min(sent, total))
}

func (v *sendView) newBar(total int64) *progressbar.ProgressBar {
	room := v.con.width - 1
	theme := progressbar.Theme{Saucer: v.con.marks.full, SaucerPadding: v.con.marks.empty, BarStart: "", BarEnd: ""}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(v.con.err),
		progressbar.OptionSetTheme(theme),
		progressbar.OptionThrottle(65 * time.Millisecond),
		progressbar.OptionEnableColorCodes(false),
	}
	if room < barRoom+20 {
		options = append(options,
			progressbar.OptionSetDescription(fit(v.name, room/3)),
			progressbar.OptionSetWidth(max(room/4, 4)),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	} else {
		options = append(options,
			progressbar.OptionSetDescription(fit(v.name, (room-barRoom)/2)),
			progressbar.OptionSetWidth((room-barRoom)/2),
			progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true))
	}
	return progressbar.NewOptions64(max(total, 1), options...)
}

// clear takes the bar away, so that other lines can be written; a further
// attempt begins a new one.
func (v *sendView) clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.bar != nil {
		v.con.eraseLine()
		v.bar = nil
	}
}
