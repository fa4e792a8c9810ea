package main

import (
	"context"
	"os"
	"os/user"
	"strings"

	"orak"
	"orak/api"
	"orak/internal/client"
)

// decision is what every decision is recorded with.
type decision struct {
	remote

	IDs    []string `arg:"" name:"id" help:"The uploads' ids."`
	Reason string   `env:"-" default:"from the command line" help:"Why, for the record."`
	By     string   `env:"-" placeholder:"NAME" help:"Who decides, for the record; by default the user of this machine."`
}

type dlqReprocessCmd struct {
	decision

	From  string `env:"-" enum:",convert,analyze,publish" default:"" help:"Stage to begin with: convert, analyze or publish; by default the one that failed."`
	Watch bool   `short:"w" env:"-" help:"Follow each upload to its end and print the result."`
}

// Help implements kong.HelpProvider.
func (dlqReprocessCmd) Help() string {
	return `Examples:

    orak dlq reprocess 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --watch
    orak dlq reprocess ID ID ID --from analyze --reason "model server mended"
    orak dlq list --limit 0 --json | jq -r '.dead_letters[].id' | xargs orak dlq reprocess`
}

type dlqDiscardCmd struct{ decision }

// Help implements kong.HelpProvider.
func (dlqDiscardCmd) Help() string {
	return `The upload ends for good; what was stored of it stays.

Examples:

    orak dlq discard 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --reason "a text file"`
}

// Run decides for one after the other.
func (r *dlqReprocessCmd) Run(ctx context.Context, con *console) error {
	return r.each(ctx, con, func(cl *client.Client, id orak.UploadID) error {
		owner := r.remote
		if r.Watch {
			// Dead letters are the operators', whoever owns the upload; its
			// status is its owner's alone.
			letter, err := cl.DeadLetter(ctx, id)
			if err != nil {
				return err
			}
			owner.Tenant = string(letter.Tenant)
		}
		u, err := cl.Reprocess(ctx, id, api.ReprocessRequest{From: orak.Stage(r.From), Reason: r.Reason, By: r.by()})
		if err != nil || !r.Watch {
			return con.decided(u, id, "runs again", err)
		}
		return owner.watch(ctx, con, cl.As(orak.Tenant(owner.Tenant)), id)
	})
}

// Run decides for one after the other.
func (d *dlqDiscardCmd) Run(ctx context.Context, con *console) error {
	return d.each(ctx, con, func(cl *client.Client, id orak.UploadID) error {
		u, err := cl.Discard(ctx, id, api.DiscardRequest{Reason: d.Reason, By: d.by()})
		return con.decided(u, id, "is discarded", err)
	})
}

// decided says what came of a decision.
func (c *console) decided(u api.Upload, id orak.UploadID, words string, err error) error {
	if err != nil {
		return err
	}
	if c.json {
		return c.value(u)
	}
	c.print("%s %s", id, words)
	return nil
}

// each goes on after a failure: the decisions do not depend on one another.
func (d *decision) each(ctx context.Context, con *console, act func(*client.Client, orak.UploadID) error) error {
	ids, err := parseIDs(d.IDs)
	if err != nil {
		return err
	}
	cl, err := d.open(con)
	if err != nil {
		return err
	}
	var worst error
	for _, id := range ids {
		err := act(cl, id)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			con.explain(ctx, err)
			worst = worse(worst, said{err})
		}
	}
	return worst
}

// by is who decides: for the record, not a proof.
func (d *decision) by() string {
	if d.By != "" {
		return d.By
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return strings.ToValidUTF8(u.Username, "_")
	}
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "unknown"
}
