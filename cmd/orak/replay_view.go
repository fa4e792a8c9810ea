package main

import (
	"fmt"
	"time"

	"orak/internal/terminal"
	"orak/operate/replay"
)

// showPlan prints what a replay would do.
func (c *console) showPlan(p *replay.Plan, cmd *replayCmd) error {
	if c.JSON {
		return c.Value(struct {
			Phase   string `json:"phase"`
			Cluster string `json:"cluster,omitempty"`
			*replay.Plan
		}{"plan", cmd.Cluster, p})
	}
	topic := " of the uploads topic"
	if cmd.Cluster != "" {
		topic += " on " + cmd.Cluster
	}
	c.Print("%s", c.Paint(terminal.Bold, terminal.Count(p.Records, "record")+topic))
	span := ""
	if p.Records > 0 {
		span = p.First.Format(time.RFC3339) + " to " + p.Last.Format(time.RFC3339)
	}
	c.Rows([]terminal.Row{
		{Label: "Time span", Value: span},
		c.stateRow(p, "Missing", replay.Missing, "Temporal has no workflow"),
		c.stateRow(p, "Failed", replay.Failed, "failed, timed out or terminated"),
		c.stateRow(p, "Parked", replay.Parked, "dead letters, not started: orak dlq reprocess ID"),
		c.stateRow(p, "Running", replay.Running, "not started"),
		c.stateRow(p, "Completed", replay.Completed, "not started without --force"),
		c.stateRow(p, "Withdrawn", replay.Withdrawn, "canceled or discarded"),
		c.stateRow(p, "Erased", replay.Erased, "never started again"),
		countRow("Announced again", p.Repeats, "each upload is counted once"),
		countRow("Other events", p.Skipped, ""),
		countRow("Notifications", p.Notifications, "of a bucket, for uploads without another announcement"),
		countRow("Undecodable", p.Undecodable, "skipped; not dead-lettered again"),
		countRow("Not found", len(p.Absent), "ids without a retained record"),
		countRow("Not yet read", p.Ahead, "missing only because the bridge has not read them yet"),
	})
	for _, r := range p.Examples {
		c.Print("  %s", terminal.Clean(fmt.Sprintf("record %d of partition %d: %s", r.Offset, r.Partition, r.Error)))
	}
	for _, id := range p.Absent {
		c.Print("  not found: %s", id)
	}
	for _, text := range p.Warnings {
		c.Tell("%s %s", c.PaintErr(terminal.Yellow, c.Marks.Note), terminal.Clean(text))
	}
	switch n := p.Total(); {
	case n == 0:
		c.Print("Nothing to start.")
	case cmd.DryRun:
		c.Print("Would start %s, at most %s, at the lowest priority.", terminal.Count(n, "workflow"), terminal.Clean(cmd.Rate))
	}
	return nil
}

// showStoredPlan prints what a replay from the store would do.
func (c *console) showStoredPlan(p *replay.StoredPlan, cmd *replayCmd) error {
	if c.JSON {
		return c.Value(struct {
			Phase string `json:"phase"`
			*replay.StoredPlan
		}{"plan", p})
	}
	c.Print("%s in the store", c.Paint(terminal.Bold, terminal.Count(p.Recordings, "recording")))
	c.Rows([]terminal.Row{
		countRow("Missing", p.States[replay.Missing], "without a workflow, an outcome and a tombstone"),
		countRow("Waiting", p.Waiting, "of these: announced, and left to the bridge, which has not read them yet"),
		countRow("Announced soon", p.Announcing, "of these: they are in the outbox"),
		countRow("Failed", p.States[replay.Failed], "not started: orak replay, or orak dlq"),
		countRow("Parked", p.States[replay.Parked], "dead letters, not started: orak dlq reprocess ID"),
		countRow("Running", p.States[replay.Running], "not started"),
		countRow("Ended", p.States[replay.Completed], "not started"),
		countRow("Withdrawn", p.States[replay.Withdrawn], "canceled or discarded"),
		countRow("Erased", p.States[replay.Erased], "never started again"),
	})
	for _, place := range p.Unasked {
		c.Tell("%s %s cannot be read: what waits there counts as missing. If it is not dead, repair it first: file names and tags would be lost.", c.PaintErr(terminal.Yellow, c.Marks.Note), place)
	}
	if p.More {
		c.Tell("%s There are more than one run starts: run the command again.", c.PaintErr(terminal.Yellow, c.Marks.Note))
	}
	switch {
	case p.Start == 0:
		c.Print("Nothing to start.")
	case cmd.DryRun:
		c.Print("Would start %s, at most %s, at the lowest priority.", terminal.Count(p.Start, "workflow"), terminal.Clean(cmd.Rate))
	}
	return nil
}

func (c *console) stateRow(p *replay.Plan, label string, state replay.State, about string) terminal.Row {
	n := p.States[state]
	if n == 0 {
		return terminal.Row{}
	}
	if start := p.Start[state]; start > 0 {
		about = fmt.Sprintf("%d to start", start)
	}
	return terminal.Row{Label: label, Value: fmt.Sprint(n), More: about}
}

func countRow(label string, n int, about string) terminal.Row {
	if n == 0 {
		return terminal.Row{}
	}
	return terminal.Row{Label: label, Value: fmt.Sprint(n), More: about}
}

// showReplayed prints what a replay did. Refused records make it an error.
func (c *console) showReplayed(r replay.Result) error {
	if c.JSON {
		if err := c.Value(struct {
			Phase string `json:"phase"`
			replay.Result
		}{"result", r}); err != nil {
			return err
		}
	} else {
		c.Print("%s Started %s.", c.Paint(terminal.Green, c.Marks.Done), terminal.Count(r.Total(), "workflow"))
		if r.Overtaken > 0 {
			c.Print("  %d more were started or erased by others in the meantime.", r.Overtaken)
		}
		if r.Left > 0 {
			c.Print("  %s skipped: no longer in the store, or about to be announced by the API.", terminal.Count(r.Left, "notified recording"))
		}
		for _, e := range r.Examples {
			c.Print("  %s", terminal.Clean(fmt.Sprintf("refused: record %d of partition %d: %s", e.Offset, e.Partition, e.Error)))
		}
	}
	if r.Refused > 0 {
		return fmt.Errorf("%s refused", terminal.Count(r.Refused, "workflow"))
	}
	return nil
}
