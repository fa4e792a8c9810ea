package main

import (
	"fmt"
	"strings"
	"time"

	"orak/activities"
	"orak/internal/terminal"
	"orak/operate/reconcile"
)

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
