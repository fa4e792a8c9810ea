package main

import (
	"context"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type statusCmd struct {
	remote

	ID    string `arg:"" help:"Id of the upload."`
	Watch bool   `short:"w" env:"-" help:"Follow the upload to its end and print the result."`
}

// Help implements kong.HelpProvider.
func (statusCmd) Help() string {
	return `Examples:

    orak status 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak status 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --watch
    orak status 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq -r .status`
}

// Run prints the status once, or follows the upload.
func (s *statusCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{s.ID})
	if err != nil {
		return err
	}
	cl, err := s.open(con)
	if err != nil {
		return err
	}
	if s.Watch {
		return s.watch(ctx, con, cl, ids[0])
	}
	u, err := cl.Upload(ctx, ids[0])
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(u)
	}
	con.status(s.remote, u)
	return nil
}

func (r remote) watch(ctx context.Context, con *console, cl *client.Client, id orak.UploadID) error {
	w := watcher{con: con, cl: cl, remote: r, id: id, name: string(id)}
	err := w.run(ctx)
	if ctx.Err() != nil {
		con.Tell("Stopped watching; the processing goes on. Watch again with:\n  %s", r.command("status", string(id), "--watch"))
	}
	return err
}

// status prints the status of an upload and the next command.
func (c *console) status(r remote, u resource.Upload) {
	if client.Over(u) && u.Status != orak.StatusCompleted {
		c.ending(r, u, string(u.ID))
		return
	}
	color := terminal.Yellow
	if u.Status == orak.StatusCompleted {
		color = terminal.Green
	}
	c.title("", string(u.ID), c.Paint(color, stateText(u)))
	c.Rows([]terminal.Row{
		{Label: "Created", Value: c.Ago(u.CreatedAt)},
		{Label: "Updated", Value: c.Ago(u.UpdatedAt)},
	})
	if u.Status == orak.StatusCompleted {
		c.CommandRow("Result", r.command("analysis", string(u.ID)))
		return
	}
	c.CommandRow("Follow it", r.command("status", string(u.ID), "--watch"))
}

// ending prints an end without a result: stage, class, message and what can be
// done.
func (c *console) ending(r remote, u resource.Upload, name string) {
	c.title(name, string(u.ID), c.Paint(terminal.Red, stateText(u)))
	if f := u.Failure; f != nil {
		c.Rows([]terminal.Row{
			{Label: "Stage", Value: terminal.Clean(string(f.Stage))},
			{Label: "Class", Value: terminal.Clean(string(f.Class)), More: classText(f.Class)},
			{Label: "Message", Value: terminal.Clean(f.Message)},
		})
	}
	id := string(u.ID)
	if u.Status != orak.StatusDeadLettered {
		c.Rows([]terminal.Row{{Label: "Since", Value: c.Ago(u.UpdatedAt)}})
		return
	}
	c.Print("")
	for _, line := range terminal.Wrap("It is parked, and nothing is lost: it waits 7 days for a decision.", c.Width-2) {
		c.Print("  %s", line)
	}
	c.CommandRow("Show details", r.command("dlq", "show", id))
	c.CommandRow("Run again", r.command("dlq", "reprocess", id))
	c.CommandRow("Discard", r.command("dlq", "discard", id))
}

// classText explains a class; empty for an unknown one.
func classText(class orak.Class) string {
	return map[orak.Class]string{
		orak.ClassInput:      "the file is at fault; a rerun will not help",
		orak.ClassTransient:  "every attempt failed; a rerun may help",
		orak.ClassModel:      "the analysis failed on this file",
		orak.ClassOverload:   "the model server had no room",
		orak.ClassDependency: "a required server could not be reached",
		orak.ClassInternal:   "a defect of orak; its log has the cause",
	}[class]
}
