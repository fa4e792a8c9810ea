package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"orak"
	"orak/api/resource"
)

// deadLetterWidth is what a line of the list needs.
const deadLetterWidth = 78

// deadLetterLines lists letters, below the names of the columns where they are
// the first.
func (c *console) deadLetterLines(letters []resource.DeadLetter, first bool) {
	if first && len(letters) > 0 && c.width >= deadLetterWidth {
		c.print("%s", paint(c.colorOut, faint, pad("ID", 38)+pad("STAGE", 9)+pad("CLASS", 12)+pad("FAILED", 14)+"CYCLE"))
	}
	for _, d := range letters {
		c.deadLetterLine(d)
	}
}

// deadLetterLine is what an operator scans by: the whole id, for copying, and
// below it whose file it is and what is wrong.
func (c *console) deadLetterLine(d resource.DeadLetter) {
	id, stage, class := clean(string(d.ID)), clean(string(d.Failure.Stage)), clean(string(d.Failure.Class))
	cycle := ""
	if d.Cycle > 0 {
		cycle = fmt.Sprint(d.Cycle)
	}
	if c.width >= deadLetterWidth {
		line := pad(stage, 9) + pad(class, 12) + pad(since(c.now(), d.LastAt), 14) + cycle
		c.print("%s%s", paint(c.colorOut, bold, pad(id, 38)), strings.TrimRight(line, " "))
	} else {
		c.print("%s", paint(c.colorOut, bold, id))
		c.print("  %s", strings.TrimSpace(stage+" "+class+"  "+since(c.now(), d.LastAt)))
	}
	var about []string
	for _, text := range []string{string(d.Tenant), d.Filename} {
		if text != "" {
			about = append(about, clean(text))
		}
	}
	c.print("  %s", fit(strings.Join(append(about, clean(d.Failure.Message)), ": "), c.width-2))
}

// deadLetter prints everything about one.
func (c *console) deadLetter(r remote, d resource.DeadLetterDetail) {
	c.title("", string(d.ID), paint(c.colorOut, red, "dead-lettered"))
	c.rows([]row{
		{label: "File", value: clean(d.Filename)},
		{label: "Tenant", value: clean(string(d.Tenant))},
		{label: "Stage", value: clean(string(d.Failure.Stage))},
		{label: "Class", value: clean(string(d.Failure.Class)), more: classText(d.Failure.Class)},
		{label: "Message", value: clean(d.Failure.Message)},
		{label: "Attempts", value: fmt.Sprint(d.Attempts)},
		{label: "First failed", value: ago(c.now(), d.FirstAt)},
		{label: "Last failed", value: ago(c.now(), d.LastAt)},
		{label: "Reprocessed", value: cycles(d.Cycle)},
		c.firstCause(d.First),
		restarts(d.Restarts),
		c.expiry(d.ExpiresAt),
		{label: "Web UI", value: clean(d.WebUI)},
		{label: "Run", value: clean(d.RunID)},
	})
	c.timeline(d.Timeline)
	c.event(d.Event)
	c.commands("Ask the workflow itself", "", d.Commands.Inspect)
	c.commands("Run it again, once its cause is mended", r.command("dlq", "reprocess", string(d.ID)), d.Commands.Reprocess)
	c.commands("Give it up", r.command("dlq", "discard", string(d.ID)), d.Commands.Discard)
}

func (c *console) firstCause(f *orak.Failure) row {
	if f == nil {
		return row{}
	}
	return row{label: "First cause", value: clean(fmt.Sprintf("%s %s: %s", f.Stage, f.Class, f.Message)), more: ago(c.now(), f.LastAt)}
}

func restarts(n int) row {
	if n == 0 {
		return row{}
	}
	return row{label: "Restarted", value: times(n), more: "by the reconciliation"}
}

func (c *console) expiry(t time.Time) row {
	if t.IsZero() {
		return row{}
	}
	return row{label: "Expires", value: fmt.Sprintf("%s (%s)", t.Local().Format(clockFormat), until(c.now(), t)), more: "if nobody decides"}
}

// timeline prints what went wrong and what was done about it. A message is
// said again only where it differs.
func (c *console) timeline(marks []orak.Mark) {
	if len(marks) == 0 {
		return
	}
	c.section("Timeline")
	message := ""
	for _, m := range marks {
		text := markText(m)
		if m.Message != "" && m.Message != message {
			text += ": " + m.Message
			message = m.Message
		}
		label := m.At.Local().Format(clockFormat)
		for _, line := range wrap(clean(text), max(c.width-len(label)-4, 20)) {
			c.print("  %s  %s", paint(c.colorOut, faint, pad(label, len(clockFormat))), line)
			label = ""
		}
	}
}

// markText is one mark without its message.
func markText(m orak.Mark) string {
	stage, class := string(m.Stage), string(m.Class)
	switch m.Kind {
	case orak.MarkAttemptFailed:
		text := stage + " failed"
		if m.Attempt > 0 {
			text = fmt.Sprintf("%s, attempt %d, failed", stage, m.Attempt)
		}
		return text + " (" + class + ")"
	case orak.MarkDeadLettered:
		return strings.TrimSpace("dead-lettered, " + strings.TrimSpace(stage+" "+class))
	case orak.MarkReprocessed:
		return joinedBy(m, "run again")
	case orak.MarkRestarted:
		return joinedBy(m, "started again by the reconciliation")
	default:
		return joinedBy(m, string(m.Kind))
	}
}

func joinedBy(m orak.Mark, text string) string {
	if m.Stage != "" {
		text += " from " + string(m.Stage)
	}
	if m.By != "" {
		text += " by " + m.By
	}
	if m.Reason != "" {
		text += " (" + m.Reason + ")"
	}
	return text
}

// event prints the record that announced the upload.
func (c *console) event(e *resource.Event) {
	if e == nil {
		return
	}
	c.section("Event")
	list := []row{{label: "Record", value: clean(fmt.Sprintf("%s, partition %d, offset %d", e.Topic, e.Partition, e.Offset))}, {label: "Key", value: clean(e.Key)}}
	label := "Headers"
	for _, h := range e.Headers {
		value := h.Value
		if h.Withheld {
			value = "(withheld)"
		}
		list = append(list, row{label: label, value: clean(h.Key + ": " + value)})
		label = ""
	}
	if e.Value == "" {
		c.rows(append(list, row{label: "Value", value: bytesText(int64(e.Size)) + ", not shown"}))
		return
	}
	c.rows(append(list, row{label: "Value", value: bytesText(int64(e.Size))}))
	var value bytes.Buffer
	if err := json.Indent(&value, []byte(e.Value), "    ", "  "); err != nil {
		value.Reset()
		value.WriteString(e.Value)
	}
	for line := range strings.Lines("    " + value.String()) {
		c.print("%s", clean(strings.TrimSuffix(line, "\n")))
	}
}

func (c *console) section(name string) {
	c.print("")
	c.print("%s", paint(c.colorOut, bold, name))
}

// commands prints one thing to do in three tools; lines that are to be copied
// are never broken.
func (c *console) commands(title, orakCommand string, in resource.Command) {
	c.section(title)
	for _, line := range []string{orakCommand, in.Temporal, in.Tctl} {
		if line != "" {
			c.print("  %s", clean(line))
		}
	}
}

func cycles(n int) string {
	if n == 0 {
		return "never"
	}
	return times(n)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
