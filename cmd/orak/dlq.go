package main

import (
	"context"
	"fmt"

	"orak/api"
	"orak/internal/client"
)

type dlqCmd struct {
	List      dlqListCmd      `cmd:"" help:"List the dead letters, the newest first."`
	Show      dlqShowCmd      `cmd:"" help:"Tell everything about one, and how to mend it."`
	Reprocess dlqReprocessCmd `cmd:"" help:"Run dead-lettered uploads again."`
	Discard   dlqDiscardCmd   `cmd:"" help:"Give dead-lettered uploads up for good."`
}

// Help implements kong.HelpProvider.
func (dlqCmd) Help() string {
	return `A dead letter is an upload that was given up after its attempts. It stays parked for 7 days, until somebody
mends the cause and runs it again, or discards it.`
}

type dlqListCmd struct {
	remote

	Limit int `env:"-" short:"n" default:"50" help:"How many to list at most; 0 lists all."`
}

// Help implements kong.HelpProvider.
func (dlqListCmd) Help() string {
	return `Examples:

    orak dlq list
    orak dlq list --limit 0 --json | jq -r '.dead_letters[] | select(.failure.class == "model") | .id'

With --json every line is one page.`
}

// Run lists page by page.
func (l *dlqListCmd) Run(ctx context.Context, con *console) error {
	cl, err := l.open(con)
	if err != nil {
		return err
	}
	listed := 0
	more, err := pages(ctx, cl, func(page api.DeadLetterPage) (bool, error) {
		if room := l.Limit - listed; l.Limit > 0 && len(page.DeadLetters) > room {
			page.DeadLetters = page.DeadLetters[:room]
		}
		listed += len(page.DeadLetters)
		if con.json {
			return l.Limit > 0 && listed >= l.Limit, con.value(page)
		}
		for _, d := range page.DeadLetters {
			con.deadLetterLine(d)
		}
		return l.Limit > 0 && listed >= l.Limit, nil
	})
	if err != nil || con.json {
		return err
	}
	if listed == 0 {
		con.tell("No dead letters: nothing waits for you.")
		return nil
	}
	foot := count(listed, "dead letter") + "."
	if more {
		foot = fmt.Sprintf("The newest %d; --limit 0 lists all.", listed)
	}
	con.tell("%s Next: %s", foot, l.command("dlq", "show", "ID"))
	return nil
}

// pages hands over one page after the other until enough says so; more tells
// whether there were further ones.
func pages(ctx context.Context, cl *client.Client, visit func(api.DeadLetterPage) (enough bool, err error)) (more bool, err error) {
	token := ""
	for {
		page, err := cl.DeadLetters(ctx, token)
		if err != nil {
			return false, err
		}
		enough, err := visit(page)
		if err != nil || enough || page.Next == "" {
			return page.Next != "", err
		}
		token = page.Next
	}
}

// deadLetterLine is what an operator scans by: the whole id, for copying.
func (c *console) deadLetterLine(d api.DeadLetter) {
	about := fmt.Sprintf("%s %s  %s", clean(string(d.Failure.Stage)), clean(string(d.Failure.Class)), since(c.now(), d.LastAt))
	if d.Cycle > 0 {
		about += fmt.Sprintf("  cycle %d", d.Cycle)
	}
	c.print("%s  %s", paint(c.colorOut, bold, clean(string(d.ID))), about)
	text := d.Failure.Message
	if d.Filename != "" {
		text = d.Filename + ": " + text
	}
	for _, line := range wrapKeeping(clean(text), c.width-2) {
		c.print("  %s", line)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

type dlqShowCmd struct {
	remote

	ID string `arg:"" help:"The upload's id."`
}

// Help implements kong.HelpProvider.
func (dlqShowCmd) Help() string {
	return `Examples:

    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq -r .web_ui`
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
	case con.json:
		return con.value(letter)
	}
	con.deadLetter(s.remote, letter)
	return nil
}

func (c *console) deadLetter(r remote, d api.DeadLetter) {
	id := string(d.ID)
	c.title("", id, paint(c.colorOut, red, "dead-lettered"))
	c.rows([]row{
		{label: "File", value: clean(d.Filename)},
		{label: "Tenant", value: clean(string(d.Tenant))},
		{label: "Stage", value: clean(string(d.Failure.Stage))},
		{label: "Class", value: clean(string(d.Failure.Class)), more: classText(d.Failure.Class)},
		{label: "Message", value: clean(d.Failure.Message)},
		{label: "Attempts", value: fmt.Sprint(d.Attempts)},
		{label: "Reprocessed", value: cycles(d.Cycle)},
		{label: "First failed", value: ago(c.now(), d.FirstAt)},
		{label: "Last failed", value: ago(c.now(), d.LastAt)},
		{label: "Workflow", value: clean(d.WorkflowID)},
		{label: "Run", value: clean(d.RunID)},
		{label: "Web UI", value: clean(d.WebUI)},
	})
	c.print("")
	c.print("  Run it again, once its cause is mended, with any of:")
	for _, line := range []string{
		r.command("dlq", "reprocess", id),
		"temporal workflow signal --workflow-id " + shellQuote(d.WorkflowID) + ` --name reprocess --input '{"reason":"WHY","by":"WHO"}'`,
		"tctl workflow signal --workflow_id " + shellQuote(d.WorkflowID) + ` --name reprocess --input '{"reason":"WHY","by":"WHO"}'`,
	} {
		c.print("    %s", line)
	}
	c.print("  Give it up with:")
	c.print("    %s", r.command("dlq", "discard", id))
}

func cycles(n int) string {
	if n == 0 {
		return "never"
	}
	return times(n)
}
