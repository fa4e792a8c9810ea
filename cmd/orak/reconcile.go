package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orak/activities"
	"orak/internal/app"
	"orak/operate/reconcile"
)

type reconcileCmd struct {
	Settings app.ReconcileConfig `embed:""`

	Now     bool `env:"-" xor:"what" required:"" help:"Reconcile now, and wait for the result."`
	History bool `env:"-" xor:"what" required:"" help:"List the last reconciliations and what they did."`
	Limit   int  `env:"-" short:"n" default:"20" help:"How many --history lists at most."`
	JSON    bool `name:"json" env:"-" help:"Print JSON, one reconciliation a line."`
}

// Help implements kong.HelpProvider.
func (reconcileCmd) Help() string {
	return `A schedule of Temporal (orak-reconcile) looks every 30 minutes for what slipped through, and mends it: uploads in the
outbox that no API process announces, announced uploads without a workflow, workflows that were terminated, timed out
or failed, and parked uploads whose dead letter is missing. What is started again goes behind new uploads.

This speaks to Temporal itself, as the workers do: it needs no API. With --now a reconciliation that runs already is
waited for first. The exit code is 1 if something could not be examined or mended; the next reconciliation tries again.

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

// Run looks or reconciles.
func (r *reconcileCmd) Run(ctx context.Context, con *console) error {
	con.json = r.JSON
	return app.Reconciliations(r.Settings, con.quietLog(), func(runs *reconcile.Runs) error {
		if r.History {
			return r.history(ctx, con, runs)
		}
		return r.now(ctx, con, runs)
	})
}

// errUnmended is a reconciliation that left something behind; it has been
// shown.
var errUnmended = errors.New("the reconciliation left something behind")

func (r *reconcileCmd) now(ctx context.Context, con *console, runs *reconcile.Runs) error {
	last := ""
	run, err := runs.Now(ctx, func(run reconcile.Run) {
		if line := progressText(run); !con.json && line != last {
			last = line
			con.tell("%s", line)
		}
	})
	if err != nil {
		return con.serversFault(ctx, err)
	}
	if con.json {
		err = con.value(run)
	} else {
		con.reconciliation(run)
	}
	if err == nil && (run.Status != reconcile.StatusCompleted || run.Report.Total().Errors > 0) {
		return said{errUnmended}
	}
	return err
}

// progressText is where a reconciliation stands.
func progressText(run reconcile.Run) string {
	line := clean(run.WorkflowID) + " runs"
	for _, step := range activities.ReconcileSteps() {
		if c, begun := run.Report.Steps[step]; begun {
			line += fmt.Sprintf("; %s: %d examined", step, c.Examined)
		}
	}
	return line
}

func (r *reconcileCmd) history(ctx context.Context, con *console, runs *reconcile.Runs) error {
	all, err := runs.History(ctx, r.Limit)
	if err != nil {
		return con.serversFault(ctx, err)
	}
	for _, run := range all {
		if con.json {
			if err := con.value(run); err != nil {
				return err
			}
			continue
		}
		con.reconciliationLine(run)
	}
	if len(all) == 0 && !con.json {
		con.tell("Nothing was reconciled yet. A worker makes the schedule when it starts; orak reconcile --now does not wait for it.")
	}
	return nil
}

// reconciliation shows one run, step by step.
func (c *console) reconciliation(run reconcile.Run) {
	mark := paint(c.colorOut, green, c.marks.done)
	if run.Status != reconcile.StatusCompleted || run.Report.Total().Errors > 0 {
		mark = paint(c.colorOut, red, c.marks.failed)
	}
	c.print("%s %s: %s", mark, clean(run.WorkflowID), clean(run.Status))
	for _, step := range activities.ReconcileSteps() {
		counts, begun := run.Report.Steps[step]
		if !begun {
			continue
		}
		c.print("  %s%d examined%s", pad(string(step), labelWidth), counts.Examined, countsText(counts))
	}
	for _, step := range run.Report.GaveUp {
		c.print("  %s could not be done; the next reconciliation begins there again. The worker's log says why.", clean(string(step)))
	}
	if n := run.Report.Total().Stuck; n > 0 {
		c.print("  Started again too often and parked as stuck: %d. Decide about them with: orak dlq list --class internal, and --tenant or --all-tenants", n)
	}
	if n := run.Report.Total().Strays; n > 0 {
		c.print("  Dead letters that no workflow answers to: %d. Name them with: orak dlq verify", n)
	}
}

// reconciliationLine is one run of many.
func (c *console) reconciliationLine(run reconcile.Run) {
	took := "runs"
	if ended := run.Report.EndedAt; !ended.IsZero() {
		took = ended.Sub(run.Report.BeganAt).Round(10 * time.Millisecond).String()
	}
	sum := run.Report.Total()
	c.print("%s  %s  %s  %d examined%s", run.Report.BeganAt.UTC().Format(time.RFC3339), pad(clean(run.Status), 9), pad(took, 7), sum.Examined, countsText(sum))
}

// countsText leaves out what did not occur.
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
