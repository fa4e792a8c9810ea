package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orak/activities"
	"orak/internal/app"
	"orak/internal/terminal"
	"orak/operate/reconcile"
)

type reconcileCmd struct {
	Settings app.ReconcileConfig `embed:""`

	Now     bool `env:"-" xor:"what" required:"" help:"Reconcile now and wait for the result."`
	History bool `env:"-" xor:"what" required:"" help:"Print the last reconciliations and what they did."`
	Limit   int  `env:"-" short:"n" default:"20" help:"Maximum number that --history prints."`
	JSON    bool `name:"json" env:"-" help:"Print JSON, one reconciliation per line."`
}

// Help implements kong.HelpProvider.
func (reconcileCmd) Help() string {
	return `A Temporal schedule (orak-reconcile) looks every 30 minutes for uploads that slipped through, and repairs them: uploads
in the outbox that no API process announces, announced uploads without a workflow, workflows that were terminated, timed
out or failed, and parked uploads without a dead letter. Uploads that it starts have a lower priority than new ones.

The command connects to Temporal directly and needs no API. With --now it first waits for a reconciliation that already
runs. The exit code is 1 if something could not be examined or repaired; the next reconciliation tries again.

Examples:

    orak reconcile --now
    orak reconcile --history
    orak reconcile --history --json | jq 'select(.report.gave_up)'`
}

// Validate is called by kong.
func (r *reconcileCmd) Validate() error {
	if r.Limit < 1 || r.Limit > 1000 {
		return errors.New("--limit: want 1 to 1000")
	}
	return nil
}

// Run prints the history or reconciles.
func (r *reconcileCmd) Run(ctx context.Context, con *console) error {
	con.JSON = r.JSON
	return app.Reconciliations(ctx, r.Settings, con.quietLog(), func(runs *reconcile.Runs) error {
		if r.History {
			return r.history(ctx, con, runs)
		}
		return r.now(ctx, con, runs)
	})
}

// errUnrepaired is returned for a reconciliation that left something unrepaired,
// which has been printed.
var errUnrepaired = errors.New("the reconciliation could not repair everything")

func (r *reconcileCmd) now(ctx context.Context, con *console, runs *reconcile.Runs) error {
	last := ""
	run, err := runs.Now(ctx, func(run reconcile.Run) {
		if line := progressText(run); !con.JSON && line != last {
			last = line
			con.Tell("%s", line)
		}
	})
	if err != nil {
		return con.asOutage(ctx, err)
	}
	if con.JSON {
		err = con.Value(run)
	} else {
		con.reconciliation(run)
	}
	if err == nil && (run.Status != reconcile.StatusCompleted || run.Report.Total().Errors > 0) {
		return printedError{errUnrepaired}
	}
	return err
}

func (r *reconcileCmd) history(ctx context.Context, con *console, runs *reconcile.Runs) error {
	all, err := runs.History(ctx, r.Limit)
	if err != nil {
		return con.asOutage(ctx, err)
	}
	for _, run := range all {
		if con.JSON {
			if err := con.Value(run); err != nil {
				return err
			}
			continue
		}
		con.reconciliationLine(run)
	}
	if len(all) == 0 && !con.JSON {
		con.Tell("There was no reconciliation yet. A worker creates the schedule when it starts. To reconcile now: orak reconcile --now")
	}
	return nil
}

// progressText returns the progress of a reconciliation.
func progressText(run reconcile.Run) string {
	line := terminal.Clean(run.WorkflowID) + " runs"
	for _, step := range activities.ReconcileSteps() {
		if c, begun := run.Report.Steps[step]; begun {
			line += fmt.Sprintf("; %s: %d examined", step, c.Examined)
		}
	}
	return line
}

// reconciliation prints one run, step by step.
func (c *console) reconciliation(run reconcile.Run) {
	mark := c.Paint(terminal.Green, c.Marks.Done)
	if run.Status != reconcile.StatusCompleted || run.Report.Total().Errors > 0 {
		mark = c.Paint(terminal.Red, c.Marks.Failed)
	}
	c.Print("%s %s: %s", mark, terminal.Clean(run.WorkflowID), terminal.Clean(run.Status))
	for _, step := range activities.ReconcileSteps() {
		counts, begun := run.Report.Steps[step]
		if !begun {
			continue
		}
		c.Print("  %s%d examined%s", terminal.Pad(string(step), terminal.LabelWidth), counts.Examined, countsText(counts))
	}
	for _, step := range run.Report.GaveUp {
		c.Print("  %s failed; the next reconciliation starts there again. The worker's log has the cause.", terminal.Clean(string(step)))
	}
	if n := run.Report.Total().Stuck; n > 0 {
		c.Print("  Restarted too often and parked as stuck: %d. List them with: orak dlq list --class internal, and --tenant or --all-tenants", n)
	}
	if n := run.Report.Total().Strays; n > 0 {
		c.Print("  Dead letters without a workflow: %d. List them with: orak dlq verify", n)
	}
}

// reconciliationLine prints one run of many.
func (c *console) reconciliationLine(run reconcile.Run) {
	took := "runs"
	if ended := run.Report.EndedAt; !ended.IsZero() {
		took = ended.Sub(run.Report.BeganAt).Round(10 * time.Millisecond).String()
	}
	sum := run.Report.Total()
	c.Print("%s  %s  %s  %d examined%s", run.Report.BeganAt.UTC().Format(time.RFC3339), terminal.Pad(terminal.Clean(run.Status), 9), terminal.Pad(took, 7), sum.Examined, countsText(sum))
}

// countsText returns the counts that are not 0.
func countsText(n activities.ReconcileCounts) string {
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{n.Published, "published"}, {n.Dropped, "dropped"}, {n.Started, "started"}, {n.Restarted, "restarted"},
		{n.Stuck, "stuck"}, {n.Rewritten, "letters rewritten"}, {n.Strays, "stray letters"}, {n.Failing, "workflows whose task fails"}, {n.Errors, "errors"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}
