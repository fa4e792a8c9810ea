package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"orak/internal/app"
	"orak/operate/replay"
)

type offsetsCmd struct {
	Show  offsetsShowCmd  `cmd:"" help:"Show where a consumer group stands."`
	Reset offsetsResetCmd `cmd:"" help:"Move a consumer group that has no members."`
}

// groupFlags name a group and how to reach it.
type groupFlags struct {
	Settings app.OffsetsConfig `embed:""`

	Group string `env:"-" default:"orak-bridge" help:"The consumer group."`
	Topic string `env:"-" default:"orak.uploads" help:"The topic that it reads."`
	JSON  bool   `name:"json" env:"-" help:"Print JSON."`
}

func (f groupFlags) open(con *console) *replay.Offsets {
	con.json = f.JSON
	return f.Settings.Offsets(f.Group, f.Topic, con.quietLog())
}

type offsetsShowCmd struct{ groupFlags }

// Help implements kong.HelpProvider.
func (offsetsShowCmd) Help() string {
	return `Examples:

    orak offsets show
    orak offsets show --group orak-lake --topic orak.lifecycle --json | jq '.partitions[] | select(.lag > 0)'`
}

// Run shows the group.
func (s *offsetsShowCmd) Run(ctx context.Context, con *console) error {
	group, err := s.open(con).Show(ctx)
	switch {
	case err != nil:
		return con.serversFault(ctx, err)
	case con.json:
		return con.value(group)
	}
	con.group(group)
	con.print("%9s  %12s  %12s  %12s  %8s", "partition", "committed", "start", "end", "lag")
	for _, p := range group.Partitions {
		con.print("%9d  %12s  %12d  %12d  %8d", p.ID, offsetText(p.Committed), p.Start, p.End, p.Lag)
	}
	return nil
}

func (c *console) group(g replay.Group) {
	c.print("%s on %s: %s, %s, lag %d", paint(c.colorOut, bold, clean(g.Name)), clean(g.Topic),
		strings.ToLower(clean(g.State)), count(len(g.Members), "member"), g.Lag())
	for _, m := range g.Members {
		c.print("  member %s", clean(m))
	}
}

func offsetText(o int64) string {
	if o == replay.NoOffset {
		return "none"
	}
	return fmt.Sprint(o)
}

type offsetsResetCmd struct {
	groupFlags

	To       string `env:"-" xor:"to" required:"" enum:"earliest,latest" placeholder:"earliest|latest" help:"The first retained record, or behind the last."`
	ToTime   string `env:"-" xor:"to" required:"" placeholder:"WHEN" help:"The first record from this time on: an age such as 2h, or a time such as 2026-11-22T12:00:00Z."`
	ToOffset string `env:"-" xor:"to" required:"" placeholder:"P:O,…" help:"These offsets; partitions that are not named stay. Never beyond what is retained."`
	consent
}

// Help implements kong.HelpProvider.
func (offsetsResetCmd) Help() string {
	return `Stop every bridge first: a group with members is refused. What is read again starts nothing twice; what is skipped is
not started at all, until "orak replay" finds it. To start single uploads again there is no need to move offsets.

Examples:

    orak offsets reset --to earliest --dry-run
    orak offsets reset --to-time 2h --yes
    orak offsets reset --to-offset 0:1200,3:900`
}

// Run shows the changes, asks, and makes them.
func (r *offsetsResetCmd) Run(ctx context.Context, con *console) error {
	offsets := r.open(con)
	to, err := r.target(con)
	if err != nil {
		return usageError{err}
	}
	if err := r.possible(con); err != nil {
		return err
	}
	group, changes, err := offsets.Preview(ctx, to)
	if err != nil {
		return con.serversFault(ctx, err)
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
		if yes, err := con.ask(ctx, fmt.Sprintf("Move %s in %s?", clean(group.Name), count(len(changes), "partition"))); err != nil || !yes {
			return err
		}
	}
	err = offsets.Reset(ctx, changes)
	if errors.Is(err, replay.ErrActive) {
		return activeError(group)
	}
	if err != nil {
		return con.serversFault(ctx, err)
	}
	if !con.json {
		con.print("%s Moved. Start the group's members again.", paint(con.colorOut, green, con.marks.done))
	}
	return nil
}

func (r *offsetsResetCmd) target(con *console) (to replay.Target, err error) {
	switch {
	case r.ToTime != "":
		to.Time, err = parseWhen(r.ToTime, con.now())
	case r.ToOffset != "":
		to.Offsets, err = parseOffsets(r.ToOffset)
	default:
		to.Earliest, to.Latest = r.To == "earliest", r.To == "latest"
	}
	return to, err
}

// activeError says what to do about members.
func activeError(g replay.Group) error {
	text := fmt.Sprintf("%s has active members, which would commit over a change: nothing was moved. Stop them first", g.Name)
	if len(g.Members) > 0 {
		text += " (" + strings.Join(g.Members, "; ") + ")"
	}
	return errors.New(text + ". A bridge with an instance id counts until its session times out, 45 s by default.")
}

func (c *console) showChanges(g replay.Group, changes []replay.Change) error {
	if c.json {
		if changes == nil {
			changes = []replay.Change{}
		}
		return c.value(struct {
			Group   string          `json:"group"`
			Topic   string          `json:"topic"`
			State   string          `json:"state"`
			Members []string        `json:"members"`
			Changes []replay.Change `json:"changes"`
		}{g.Name, g.Topic, g.State, g.Members, changes})
	}
	c.group(g)
	if len(changes) == 0 {
		c.print("Every partition is there already: nothing to change.")
		return nil
	}
	c.print("%9s  %12s  %12s", "partition", "from", "to")
	for _, ch := range changes {
		c.print("%9d  %12s  %12d  %s", ch.Partition, offsetText(ch.From), ch.To, changeText(ch))
	}
	return nil
}

func changeText(c replay.Change) string {
	var parts []string
	if c.Again > 0 {
		parts = append(parts, count(int(c.Again), "record")+" again")
	}
	if c.Skip > 0 {
		parts = append(parts, count(int(c.Skip), "record")+" skipped")
	}
	if c.Wanted != c.To {
		parts = append(parts, fmt.Sprintf("%d is not in the log", c.Wanted))
	}
	return strings.Join(parts, ", ")
}
