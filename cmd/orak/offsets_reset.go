package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"orak/internal/terminal"
	"orak/operate/replay"
)

type offsetsResetCmd struct {
	groupFlags

	To       string `env:"-" xor:"to" required:"" enum:"earliest,latest" placeholder:"earliest|latest" help:"earliest is the first retained record, latest is behind the last."`
	ToTime   string `env:"-" xor:"to" required:"" placeholder:"WHEN" help:"The first record since this time: an age such as 2h, or a time such as 2026-11-22T12:00:00Z."`
	ToOffset string `env:"-" xor:"to" required:"" placeholder:"P:O,…" help:"These offsets, within what is retained. Other partitions stay."`
	consent
}

// Help implements kong.HelpProvider.
func (offsetsResetCmd) Help() string {
	return `Stop every bridge first: a group with members is refused. Records that are read again start nothing twice; uploads
whose records are skipped are not started until "orak replay" finds them. To start single uploads again, use
"orak replay": it needs no offsets.

Examples:

    orak offsets reset --to earliest --dry-run
    orak offsets reset --to-time 2h --yes
    orak offsets reset --to-offset 0:1200,3:900`
}

// Run prints the changes, asks, and makes them.
func (r *offsetsResetCmd) Run(ctx context.Context, con *console) error {
	con.JSON = r.JSON
	to, err := r.target(con)
	if err != nil {
		return usageError(err)
	}
	if err := r.checkAsk(con); err != nil {
		return err
	}
	offsets, err := r.open(ctx, con)
	if err != nil {
		return err
	}
	group, changes, err := offsets.Preview(ctx, to)
	if err != nil {
		return con.asOutage(ctx, err)
	}
	if err := con.showChanges(group, changes); err != nil {
		return err
	}
	if !r.DryRun && group.Active() {
		return activeError(group)
	}
	if r.DryRun || len(changes) == 0 {
		return nil
	}
	if !r.Yes {
		if yes, err := con.Ask(ctx, fmt.Sprintf("Reset %s in %s?", terminal.Clean(group.Name), terminal.Count(len(changes), "partition"))); err != nil || !yes {
			return err
		}
	}
	err = offsets.Reset(ctx, changes)
	if errors.Is(err, replay.ErrActive) {
		return activeError(group)
	}
	if err != nil {
		return con.asOutage(ctx, err)
	}
	if !con.JSON {
		con.Print("%s The offsets are reset. Start the members of the group again.", con.Paint(terminal.Green, con.Marks.Done))
	}
	return nil
}

func (r *offsetsResetCmd) target(con *console) (to replay.Target, err error) {
	switch {
	case r.ToTime != "":
		to.Time, err = parseWhen(r.ToTime, con.Now())
	case r.ToOffset != "":
		to.Offsets, err = parseOffsets(r.ToOffset)
	default:
		to.Earliest, to.Latest = r.To == "earliest", r.To == "latest"
	}
	return to, err
}

// activeError says which members to stop.
func activeError(g replay.Group) error {
	text := fmt.Sprintf("%s has active members, which would overwrite a change: nothing was changed. Stop them first", g.Name)
	if len(g.Members) > 0 {
		text += " (" + strings.Join(g.Members, "; ") + ")"
	}
	return errors.New(text + ". A bridge with an instance id stays a member until its session times out, 45 s by default.")
}

func (c *console) showChanges(g replay.Group, changes []replay.Change) error {
	if c.JSON {
		if changes == nil {
			changes = []replay.Change{}
		}
		return c.Value(struct {
			Group   string          `json:"group"`
			Topic   string          `json:"topic"`
			State   string          `json:"state"`
			Members []string        `json:"members"`
			Changes []replay.Change `json:"changes"`
		}{g.Name, g.Topic, g.State, g.Members, changes})
	}
	c.group(g)
	if len(changes) == 0 {
		c.Print("The offsets are already there: nothing to change.")
		return nil
	}
	c.Print("%9s  %12s  %12s", "partition", "from", "to")
	for _, ch := range changes {
		c.Print("%9d  %12s  %12d  %s", ch.Partition, offsetText(ch.From), ch.To, changeText(ch))
	}
	return nil
}

func changeText(c replay.Change) string {
	var parts []string
	if c.Again > 0 {
		parts = append(parts, terminal.Count(int(c.Again), "record")+" again")
	}
	if c.Skip > 0 {
		parts = append(parts, terminal.Count(int(c.Skip), "record")+" skipped")
	}
	if c.Wanted != c.To {
		parts = append(parts, fmt.Sprintf("%d is not retained", c.Wanted))
	}
	return strings.Join(parts, ", ")
}
