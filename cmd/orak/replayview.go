package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"orak"
	"orak/operate/replay"
)

// showPlan says what a replay would do.
func (c *console) showPlan(p *replay.Plan, cmd *replayCmd) error {
	if c.json {
		return c.value(struct {
			Phase string `json:"phase"`
			*replay.Plan
		}{"plan", p})
	}
	c.print("%s", paint(c.colorOut, bold, count(p.Records, "record")+" of the topic of uploads"))
	span := ""
	if p.Records > 0 {
		span = p.First.Format(time.RFC3339) + " to " + p.Last.Format(time.RFC3339)
	}
	c.rows([]row{
		{label: "Time span", value: span},
		c.stateRow(p, "Missing", replay.Missing, "no workflow is known"),
		c.stateRow(p, "Failed", replay.Failed, "failed, timed out or terminated"),
		c.stateRow(p, "Parked", replay.Parked, "dead letters, left alone: orak dlq reprocess ID"),
		c.stateRow(p, "Running", replay.Running, "left alone"),
		c.stateRow(p, "Completed", replay.Completed, "left alone without --force"),
		c.stateRow(p, "Withdrawn", replay.Withdrawn, "canceled or discarded"),
		c.stateRow(p, "Erased", replay.Erased, "never started again"),
		countRow("Announced again", p.Repeats, "each upload counts once"),
		countRow("Other events", p.Skipped, ""),
		countRow("Notifications", p.Notifications, "of a bucket, for uploads that nothing else announces"),
		countRow("Undecodable", p.Undecodable, "left where they are; not dead-lettered again"),
		countRow("Not found", len(p.Absent), "ids that no retained record announces"),
		countRow("Not yet read", p.Ahead, "missing only because the live bridge has not come to them"),
	})
	for _, r := range p.Examples {
		c.print("  %s", clean(fmt.Sprintf("record %d of partition %d: %s", r.Offset, r.Partition, r.Error)))
	}
	for _, id := range p.Absent {
		c.print("  not found: %s", id)
	}
	for _, text := range p.Warnings {
		c.tell("%s %s", paint(c.colorErr, yellow, c.marks.note), clean(text))
	}
	switch n := p.Total(); {
	case n == 0:
		c.print("Nothing to start.")
	case cmd.DryRun:
		c.print("Would start %s, at most %s, at the lowest priority.", count(n, "workflow"), clean(cmd.Rate))
	}
	return nil
}

func (c *console) stateRow(p *replay.Plan, label string, state replay.State, about string) row {
	n := p.States[state]
	if n == 0 {
		return row{}
	}
	if start := p.Start[state]; start > 0 {
		about = fmt.Sprintf("%d to start", start)
	}
	return row{label: label, value: fmt.Sprint(n), more: about}
}

func countRow(label string, n int, about string) row {
	if n == 0 {
		return row{}
	}
	return row{label: label, value: fmt.Sprint(n), more: about}
}

// showReplayed says what a replay did. Refused records are a failure.
func (c *console) showReplayed(r replay.Result) error {
	if c.json {
		if err := c.value(struct {
			Phase string `json:"phase"`
			replay.Result
		}{"result", r}); err != nil {
			return err
		}
	} else {
		c.print("%s Started %s.", paint(c.colorOut, green, c.marks.done), count(r.Total(), "workflow"))
		if r.Overtaken > 0 {
			c.print("  %d more were started or erased by somebody else meanwhile.", r.Overtaken)
		}
		if r.Left > 0 {
			c.print("  %s left: no longer there, or about to be announced by the API.", count(r.Left, "notified recording"))
		}
		for _, e := range r.Examples {
			c.print("  %s", clean(fmt.Sprintf("refused: record %d of partition %d: %s", e.Offset, e.Partition, e.Error)))
		}
	}
	if r.Refused > 0 {
		return fmt.Errorf("%s refused", count(r.Refused, "workflow"))
	}
	return nil
}

// unreachableError is an outage of Kafka or Temporal.
type unreachableError struct{ error }

func (e unreachableError) Unwrap() error { return e.error }

// Error is what does not answer, and why.
func (e unreachableError) Error() string {
	var fault *orak.Fault
	if !errors.As(e.error, &fault) || fault.Err == nil {
		return e.error.Error()
	}
	return strings.TrimSuffix(fault.Message, ".") + ": " + fault.Err.Error()
}

// serversFault tells an outage from everything else.
func (c *console) serversFault(ctx context.Context, err error) error {
	var fault *orak.Fault
	if ctx.Err() == nil && errors.As(err, &fault) && fault.Class == orak.ClassDependency {
		return unreachableError{err}
	}
	return err
}

// repeats tells whether a command line must give a flag again.
func (c *console) repeats(flag string) bool { return c.repeat != nil && c.repeat(flag) }

// quietLog has what a person at a terminal should see of the clients' logs.
func (c *console) quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelError}))
}
