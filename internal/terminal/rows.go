package terminal

import "strings"

// Row is one line of a listing: what it is, its value, and more about it. A
// row without value and more is left out.
type Row struct{ Label, Value, More string }

// LabelWidth is the width of the column of labels.
const LabelWidth = 14

const (
	valueWidth  = 14
	narrowWidth = 44
)

// CommandRow prints a row whose value is to be copied: it is never broken.
func (t *Terminal) CommandRow(label, command string) {
	if t.Width < narrowWidth {
		t.Print("  %s\n    %s", t.Paint(Faint, label), command)
		return
	}
	t.Print("%s%s", t.Paint(Faint, "  "+Pad(label, LabelWidth)), command)
}

// Rows prints a listing that stays readable on narrow terminals: what does not
// fit goes to the next line, and below narrowWidth the label has its own line.
func (t *Terminal) Rows(list []Row) {
	for _, r := range list {
		if r.Value != "" || r.More != "" {
			t.row(r)
		}
	}
}

func (t *Terminal) row(r Row) {
	indent := 2 + LabelWidth
	label := "  " + Pad(r.Label, LabelWidth)
	if t.Width < narrowWidth {
		t.Print("  %s", t.Paint(Faint, r.Label))
		indent, label = 4, "    "
	} else {
		label = t.Paint(Faint, label)
	}

	text := r.Value
	if r.More != "" && t.Width >= narrowWidth {
		if joined := strings.TrimSpace(Pad(r.Value, valueWidth) + "  " + r.More); indent+Width(joined) <= t.Width {
			text = joined
		}
	}
	var lines []string
	if text != "" {
		lines = wrapKeeping(text, t.Width-indent)
	}
	if r.More != "" && text == r.Value {
		lines = append(lines, wrapKeeping(r.More, t.Width-indent)...)
	}
	for i, line := range lines {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		t.Print("%s%s", label, line)
	}
}

// wrapKeeping is Wrap that keeps the runs of spaces of what fits.
func wrapKeeping(text string, n int) []string {
	if Width(text) <= n {
		return []string{text}
	}
	return Wrap(text, n)
}
