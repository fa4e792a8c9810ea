package main

import (
	"context"
	"errors"

	"orak/internal/app"
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
	return app.Reconciliations(r.Settings, con.quietLog(), func(runs *reconcile.Runs) error {
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
