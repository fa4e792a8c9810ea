package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak/internal/app"
	"orak/internal/terminal"
	"orak/operate/reconcile"
)

type dlqVerifyCmd struct {
	Settings app.VerifyConfig `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON: one disagreement per line, then the counts."`
}

// Help implements kong.HelpProvider.
func (dlqVerifyCmd) Help() string {
	return `Reads all retained dead letters (30 days), lists the parked uploads, and prints where they disagree:

    parked_without_letter    an upload is parked, and has no dead letter
    workflow_gone            there is a dead letter, and its workflow was closed before anybody decided
    letter_without_workflow  there is a dead letter, and Temporal does not know its workflow

The command connects to Kafka and Temporal directly. It changes nothing and joins no consumer group. The exit code is 1
if something disagrees.

Examples:

    orak dlq verify
    orak dlq verify --json | jq -r 'select(.kind) | .workflow_id'`
}

// errDisagree is returned when a comparison has found and printed something.
var errDisagree = errors.New("dead letters and workflows disagree")

// verified is the last line that --json prints.
type verified struct {
	Compared  reconcile.Compared     `json:"compared"`
	Disagree  map[reconcile.Kind]int `json:"disagree"`
	CheckedAt time.Time              `json:"checked_at"`
}

// Run compares and prints.
func (v *dlqVerifyCmd) Run(ctx context.Context, con *console) error {
	con.JSON = v.JSON
	sum := verified{Disagree: map[reconcile.Kind]int{}, CheckedAt: con.Now().UTC()}
	var err error
	sum.Compared, err = app.VerifyDeadLetters(ctx, v.Settings, con.quietLog(), func(d reconcile.Disagreement) error {
		sum.Disagree[d.Kind]++
		if con.JSON {
			return con.Value(d)
		}
		con.Print("%s  %s  cycle %d  %s", con.Paint(terminal.Bold, terminal.Clean(d.WorkflowID)), terminal.Clean(string(d.Kind)), d.Cycle, con.Since(d.At))
		return nil
	})
	if err != nil {
		return con.asOutage(ctx, err)
	}
	if con.JSON {
		err = con.Value(sum)
	} else {
		con.verified(sum)
	}
	if err == nil && len(sum.Disagree) > 0 {
		return printedError{errDisagree}
	}
	return err
}

// nextStep is what to do about each kind.
var nextStep = []struct {
	kind reconcile.Kind
	text string
}{
	{reconcile.ParkedWithoutLetter, "The next reconciliation writes the letter again; to start it now: orak reconcile --now"},
	{reconcile.WorkflowGone, "The next reconciliation restarts the upload and parks it where it was; to start it now: orak reconcile --now"},
	{reconcile.LetterWithoutWorkflow, "If the record is still on orak.uploads, start the upload again: orak replay --id ID (without upload-). Otherwise the caller must send it again."},
}

func (c *console) verified(sum verified) {
	n := sum.Compared
	if len(sum.Disagree) > 0 {
		c.Print("")
	}
	for _, next := range nextStep {
		if found := sum.Disagree[next.kind]; found > 0 {
			c.Print("%s %d %s", c.Paint(terminal.Red, c.Marks.Failed), found, next.kind)
			for _, line := range terminal.Wrap(next.text, c.Width-2) {
				c.Print("  %s", line)
			}
		}
	}
	text := fmt.Sprintf("Compared %s with %s.", terminal.Count(n.Letters, "dead-lettered upload"), terminal.Count(n.Parked, "parked upload"))
	if n.Receive > 0 {
		text += fmt.Sprintf(" %s of records that the bridge refused: they have no workflow.", terminal.Count(n.Receive, "further letter"))
	}
	if n.Unreadable > 0 {
		text += fmt.Sprintf(" %s on the topic cannot be decoded.", terminal.Count(n.Unreadable, "record"))
	}
	if len(sum.Disagree) == 0 {
		text = c.Paint(terminal.Green, c.Marks.Done) + " All agree. " + text
	}
	c.Print("%s", text)
}
