package main

import (
	"context"
	"fmt"
	"strings"

	"orak/internal/app"
	"orak/internal/terminal"
	"orak/operate/replay"
)

type offsetsCmd struct {
	Show  offsetsShowCmd  `cmd:"" help:"Print the offsets of a consumer group."`
	Reset offsetsResetCmd `cmd:"" help:"Reset the offsets of a consumer group that has no members."`
}

// groupFlags name a group and its topic.
type groupFlags struct {
	Settings app.OffsetsConfig `embed:""`

	Group   string `env:"-" default:"orak-bridge" help:"Consumer group."`
	Topic   string `env:"-" default:"orak.uploads" help:"Topic that the group reads."`
	Cluster string `env:"-" enum:",main,primary,standby" default:"" help:"The cluster, if orak.uploads has places of its own; by default the main one. See orak kafka status."`
	JSON    bool   `name:"json" env:"-" help:"Print JSON."`
}

func (f groupFlags) open(ctx context.Context, con *console) (*replay.Offsets, error) {
	con.JSON = f.JSON
	on, err := f.Settings.On(f.Cluster)
	if err != nil {
		return nil, usageError(err)
	}
	return on.Offsets(ctx, f.Group, f.Topic, con.quietLog())
}

type offsetsShowCmd struct{ groupFlags }

// Help implements kong.HelpProvider.
func (offsetsShowCmd) Help() string {
	return `Examples:

    orak offsets show
    orak offsets show --group reports --topic orak.lifecycle --json | jq '.partitions[] | select(.lag > 0)'`
}

// Run prints the group.
func (s *offsetsShowCmd) Run(ctx context.Context, con *console) error {
	offsets, err := s.open(ctx, con)
	if err != nil {
		return err
	}
	group, err := offsets.Show(ctx)
	switch {
	case err != nil:
		return con.asOutage(ctx, err)
	case con.JSON:
		return con.Value(group)
	}
	con.group(group)
	con.Print("%9s  %12s  %12s  %12s  %8s", "partition", "committed", "start", "end", "lag")
	for _, p := range group.Partitions {
		con.Print("%9d  %12s  %12d  %12d  %8d", p.ID, offsetText(p.Committed), p.Start, p.End, p.Lag)
	}
	return nil
}

func (c *console) group(g replay.Group) {
	c.Print("%s on %s: %s, %s, lag %d", c.Paint(terminal.Bold, terminal.Clean(g.Name)), terminal.Clean(g.Topic),
		strings.ToLower(terminal.Clean(g.State)), terminal.Count(len(g.Members), "member"), g.Lag())
	for _, m := range g.Members {
		c.Print("  member %s", terminal.Clean(m))
	}
}

func offsetText(o int64) string {
	if o == replay.NoOffset {
		return "none"
	}
	return fmt.Sprint(o)
}
