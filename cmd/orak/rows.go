package main

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// row is one line of a listing: what it is, its value, and more about it. Its
// texts are clean.
type row struct{ label, value, more string }

// commandRow is a row whose value is to be copied: it is never broken.
func (c *console) commandRow(label, command string) {
	if c.width < narrowWidth {
		c.print("  %s\n    %s", paint(c.colorOut, faint, label), command)
		return
	}
	c.print("%s%s", paint(c.colorOut, faint, "  "+pad(label, labelWidth)), command)
}

const (
	labelWidth  = 14
	valueWidth  = 14
	narrowWidth = 44
)

// rows prints a listing that stays readable on narrow terminals: what does not
// fit goes below, and below that the label has a line of its own.
func (c *console) rows(list []row) {
	for _, r := range list {
		if r.value == "" && r.more == "" {
			continue
		}
		c.row(r)
	}
}

func (c *console) row(r row) {
	indent := 2 + labelWidth
	label := "  " + pad(r.label, labelWidth)
	if c.width < narrowWidth {
		c.print("  %s", paint(c.colorOut, faint, r.label))
		indent, label = 4, "    "
	} else {
		label = paint(c.colorOut, faint, label)
	}

	text := r.value
	if r.more != "" && c.width >= narrowWidth {
		if joined := strings.TrimSpace(pad(r.value, valueWidth) + "  " + r.more); indent+runewidth.StringWidth(joined) <= c.width {
			text = joined
		}
	}
	var lines []string
	if text != "" {
		lines = wrapKeeping(text, c.width-indent)
	}
	if r.more != "" && text == r.value {
		lines = append(lines, wrapKeeping(r.more, c.width-indent)...)
	}
	for i, line := range lines {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		c.print("%s%s", label, line)
	}
}

// wrapKeeping leaves alone what fits, with its runs of spaces.
func wrapKeeping(text string, n int) []string {
	if runewidth.StringWidth(text) <= n {
		return []string{text}
	}
	return wrap(text, n)
}
