package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type watchCmd struct {
	remote

	After string `env:"-" placeholder:"EVENT" help:"Begin behind the event of this id, which an earlier run has printed. By default it begins now."`
}

// Help implements kong.HelpProvider.
func (watchCmd) Help() string {
	return `Prints a line when an upload of the tenant is converted, analyzed, completed, parked, reprocessed, discarded, canceled or erased,
until it is interrupted. Where the connection breaks it opens another one, and misses nothing. If the server cannot read
the missed events any more, it says so: orak uploads lists the uploads.

Examples:

    orak watch
    orak watch --json | jq -r 'select(.upload.status == "completed") | .upload.id'

With --json every line has event ("upload" or "reset"), event_id and, but for "reset", upload. An event may come twice.
--after EVENT_ID goes on behind the last line of an earlier run.`
}

// followed is what --json prints for an event.
type followed struct {
	// Event is "upload" or "reset".
	Event   string           `json:"event"`
	EventID string           `json:"event_id"`
	Upload  *resource.Upload `json:"upload,omitempty"`
}

// Run prints events until ctx ends.
func (w *watchCmd) Run(ctx context.Context, con *console) error {
	cl, err := w.open(con)
	if err != nil {
		return err
	}
	following, end := context.WithCancelCause(ctx)
	defer end(nil)
	v := &feedView{con: con}
	write := func(f followed) {
		if err := v.event(f); err != nil {
			end(err) // nobody reads what is written
		}
	}
	last, err := cl.Follow(following, w.After, client.Following{
		Changed: func(u resource.Upload, event string) {
			write(followed{Event: "upload", EventID: event, Upload: &u})
		},
		Reset: func(event string) { write(followed{Event: "reset", EventID: event}) },
		Lost:  v.lose,
		Found: v.found,
	})
	if errors.Is(err, client.ErrEventID) {
		return usageError(fmt.Errorf("--after: %w", err))
	}
	if ctx.Err() != nil && last != "" && !con.JSON {
		con.Tell("Stopped watching. Go on where it stopped with:\n  %s", w.command("watch", "--after", last))
	}
	return err
}

// feedView prints the events of a tenant.
type feedView struct {
	con  *console
	lost bool
}

// event prints a line.
func (v *feedView) event(f followed) error {
	switch {
	case v.con.JSON:
		return v.con.Value(f)
	case f.Upload == nil:
		v.con.Tell("%s events were lost: the server cannot read them any more. List the uploads with: orak uploads", v.con.Marks.Note)
		return nil
	}
	_, err := fmt.Fprintln(v.con.Out, v.con.changeLine(*f.Upload))
	return err
}

// changeLine returns time, id, status and name of an upload as of a change.
func (c *console) changeLine(u resource.Upload) string {
	color := terminal.Yellow
	switch u.Status {
	case orak.StatusCompleted:
		color = terminal.Green
	case orak.StatusDeadLettered:
		color = terminal.Red
	}
	const beside = 8 + 2 + 36 + 2 + 13
	line := u.UpdatedAt.Local().Format(time.TimeOnly) + "  " + terminal.Clean(string(u.ID)) + "  " +
		c.Paint(color, terminal.Pad(stateText(u), 13))
	name := u.Filename
	if u.Failure != nil && u.Status == orak.StatusDeadLettered {
		name += "  " + u.Failure.Message
	}
	if room := c.Width - beside - 2; name != "" && room > 0 {
		line += "  " + terminal.Fit(terminal.Clean(name), room)
	}
	return line
}

// lose shows an outage, once.
func (v *feedView) lose(err error, _ time.Duration) {
	if v.lost || err == nil || v.con.JSON {
		return
	}
	v.lost = true
	v.con.Tell("%s the server does not answer (%s). Trying again until it answers; what happens meanwhile is printed then.", v.con.Marks.Note, why(err))
}

// found shows the end of an outage.
func (v *feedView) found() {
	if v.lost {
		v.con.Tell("%s the server answers again", v.con.PaintErr(terminal.Green, v.con.Marks.Done))
	}
	v.lost = false
}
