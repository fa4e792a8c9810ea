package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak/internal/terminal"

	"orak/internal/app"
	"orak/operate/reconcile"
)

type dlqVerifyCmd struct {
	Settings app.VerifyConfig `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON: one disagreement a line, and then the counts."`
}

// Help implements kong.HelpProvider.
func (dlqVerifyCmd) Help() string {
	return `Reads every dead letter that is retained (30 days), lists the parked uploads, and names those that disagree:

    parked_without_letter    the upload is parked, and no letter tells of it
    workflow_gone            the letter is there, and its workflow was closed before anybody decided
    letter_without_workflow  Temporal does not know the letter's workflow

This speaks to Kafka and Temporal themselves; it changes nothing and is in no consumer group. The exit code is 1 if
something disagrees.

Examples:

    orak dlq verify
    orak dlq verify --json | jq -r 'select(.kind) | .workflow_id'`
}

// errDisagree ends a comparison that found something; it has been shown.
var errDisagree = errors.New("dead letters and workflows disagree")

// verified is what --json prints at last.
type verified struct {
	Compared  reconcile.Compared     `json:"compared"`
	Disagree  map[reconcile.Kind]int `json:"disagree"`
	CheckedAt time.Time              `json:"checked_at"`
}

// Run compares and shows.
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
		return con.serversFault(ctx, err)
	}
	if con.JSON {
		err = con.Value(sum)
	} else {
		con.verified(sum)
	}
	if err == nil && len(sum.Disagree) > 0 {
		return said{errDisagree}
	}
	return err
}

// nextStep says what to do about a kind.
var nextStep = []struct {
	kind reconcile.Kind
	text string
}{
	{reconcile.ParkedWithoutLetter, "The next reconciliation writes the letter again: orak reconcile --now"},
	{reconcile.WorkflowGone, "The next reconciliation starts the upload again, and parks it where it was: orak reconcile --now"},
	{reconcile.LetterWithoutWorkflow, "If the record is still on orak.uploads, start the upload anew: orak replay --id ID (without upload-). Otherwise its caller has to send it again."},
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
		text += fmt.Sprintf(" %s of records that the bridge could not take: no workflow is wanted.", terminal.Count(n.Receive, "further letter"))
	}
	if n.Unreadable > 0 {
		text += fmt.Sprintf(" %s on the topic can be read as no letter.", terminal.Count(n.Unreadable, "record"))
	}
	if len(sum.Disagree) == 0 {
		text = c.Paint(terminal.Green, c.Marks.Done) + " All agree. " + text
	}
	c.Print("%s", text)
}
