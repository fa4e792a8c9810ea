package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"orak"
	"orak/api/resource"
	"orak/internal/terminal"
)

type dlqShowCmd struct {
	operator

	ID string `arg:"" help:"Id of the upload."`
}

// Help implements kong.HelpProvider.
func (dlqShowCmd) Help() string {
	return `Examples:

    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq -r .web_ui
    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq '.event.value | fromjson'`
}

// Run shows one dead letter.
func (s *dlqShowCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{s.ID})
	if err != nil {
		return err
	}
	cl, err := s.open(con)
	if err != nil {
		return err
	}
	letter, err := cl.DeadLetter(ctx, ids[0])
	switch {
	case err != nil:
		return err
	case con.JSON:
		return con.Value(letter)
	}
	con.deadLetter(s.remote, letter)
	return nil
}

// deadLetter prints everything about one dead letter.
func (c *console) deadLetter(r remote, d resource.DeadLetterDetail) {
	c.title("", string(d.ID), c.Paint(terminal.Red, "dead-lettered"))
	list := []terminal.Row{
		{Label: "File", Value: terminal.Clean(d.Filename)},
		{Label: "Tenant", Value: terminal.Clean(string(d.Tenant))},
		{Label: "Stage", Value: terminal.Clean(string(d.Failure.Stage))},
		{Label: "Class", Value: terminal.Clean(string(d.Failure.Class)), More: classText(d.Failure.Class)},
		{Label: "Message", Value: terminal.Clean(d.Failure.Message)},
		{Label: "Attempts", Value: fmt.Sprint(d.Attempts)},
		{Label: "First failed", Value: c.Ago(d.FirstAt)},
		{Label: "Last failed", Value: c.Ago(d.LastAt)},
		{Label: "Reprocessed", Value: terminal.Times(d.Cycle)},
	}
	if f := d.First; f != nil {
		list = append(list, terminal.Row{Label: "First cause", Value: terminal.Clean(fmt.Sprintf("%s %s: %s", f.Stage, f.Class, f.Message)), More: c.Ago(f.LastAt)})
	}
	if d.Restarts > 0 {
		list = append(list, terminal.Row{Label: "Restarted", Value: terminal.Times(d.Restarts), More: "by reconciliation"})
	}
	if at := d.ExpiresAt; !at.IsZero() {
		list = append(list, terminal.Row{Label: "Expires", Value: fmt.Sprintf("%s (%s)", at.Local().Format(terminal.Clock), c.Until(at)), More: "unless somebody decides"})
	}
	c.Rows(append(list, terminal.Row{Label: "Web UI", Value: terminal.Clean(d.WebUI)}, terminal.Row{Label: "Run", Value: terminal.Clean(d.RunID)}))
	c.timeline(d.Timeline)
	c.event(d.Event)
	c.commands("Query the workflow", "", d.Commands.Inspect)
	c.commands("Run it again, once the cause is fixed", r.command("dlq", "reprocess", string(d.ID)), d.Commands.Reprocess)
	c.commands("Discard it", r.command("dlq", "discard", string(d.ID)), d.Commands.Discard)
}

// timeline prints failures and decisions. It repeats a message only if it
// differs from the last one.
func (c *console) timeline(marks []orak.Mark) {
	if len(marks) == 0 {
		return
	}
	c.Section("Timeline")
	message := ""
	for _, m := range marks {
		text := markText(m)
		if m.Message != "" && m.Message != message {
			text += ": " + m.Message
			message = m.Message
		}
		label := m.At.Local().Format(terminal.Clock)
		for _, line := range terminal.Wrap(terminal.Clean(text), max(c.Width-len(label)-4, 20)) {
			c.Print("  %s  %s", c.Paint(terminal.Faint, terminal.Pad(label, len(terminal.Clock))), line)
			label = ""
		}
	}
}

// markText returns a mark without its message.
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
		return joinedBy(m, "restarted by reconciliation")
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
	c.Section("Event")
	list := []terminal.Row{{Label: "Record", Value: terminal.Clean(fmt.Sprintf("%s, partition %d, offset %d", e.Topic, e.Partition, e.Offset))}, {Label: "Key", Value: terminal.Clean(e.Key)}}
	label := "Headers"
	for _, h := range e.Headers {
		value := h.Value
		if h.Withheld {
			value = "(withheld)"
		}
		list = append(list, terminal.Row{Label: label, Value: terminal.Clean(h.Key + ": " + value)})
		label = ""
	}
	if e.Value == "" {
		c.Rows(append(list, terminal.Row{Label: "Value", Value: terminal.Bytes(int64(e.Size)) + ", not shown"}))
		return
	}
	c.Rows(append(list, terminal.Row{Label: "Value", Value: terminal.Bytes(int64(e.Size))}))
	var value bytes.Buffer
	if err := json.Indent(&value, []byte(e.Value), "    ", "  "); err != nil {
		value.Reset()
		value.WriteString(e.Value)
	}
	for line := range strings.Lines("    " + value.String()) {
		c.Print("%s", terminal.Clean(strings.TrimSuffix(line, "\n")))
	}
}

// commands prints one command in each of three tools, never broken into lines.
func (c *console) commands(title, orakCommand string, in resource.Command) {
	c.Section(title)
	for _, line := range []string{orakCommand, in.Temporal, in.Tctl} {
		if line != "" {
			c.Print("  %s", terminal.Clean(line))
		}
	}
}
