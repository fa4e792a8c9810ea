package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"orak/internal/terminal"

	"golang.org/x/time/rate"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/workflows"
)

// decision are the flags of what is decided, about single dead letters or
// about all that are selected.
type decision struct {
	operator
	letterFlags

	IDs    []string `arg:"" optional:"" name:"id" help:"The uploads' ids, in place of a selection."`
	All    bool     `env:"-" group:"Selection" help:"Every dead letter."`
	Limit  int      `env:"-" default:"1000" help:"How many of the selected ones are taken at most, the newest first."`
	Rate   string   `env:"-" default:"5/s" help:"How many are decided on at most: 5/s, 100/m, or 0 for as fast as the server takes them."`
	Reason string   `env:"-" default:"from the command line" help:"Why, for the record."`
	By     string   `env:"-" placeholder:"NAME" help:"Who decides, for the record; by default the user of this machine."`
	consent
}

type dlqReprocessCmd struct {
	decision

	From        string `env:"-" enum:",convert,analyze,publish" default:"" help:"Stage to begin with: convert, analyze or publish; by default the one that failed."`
	Timeout     string `env:"-" placeholder:"DURATION" help:"How long one attempt to convert or to analyze may take this time, such as 2h."`
	MaxDuration string `env:"-" placeholder:"DURATION" help:"How long the recording may be this time, such as 12h."`
	Engine      string `env:"-" placeholder:"NAME" help:"Engine that analyzes this time, such as builtin."`
	Watch       bool   `short:"w" env:"-" help:"Follow each upload to its end and print the result; with ids only."`
}

// Help implements kong.HelpProvider.
func (dlqReprocessCmd) Help() string {
	return `Takes ids, or the same selection as "orak dlq list". A selection is counted and asked about first, and goes at a
steady pace. When it is interrupted it prints the command that goes on with the rest.

Examples:

    orak dlq reprocess 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --watch
    orak dlq reprocess ID ID ID --from analyze --reason "model server mended"
    orak dlq reprocess --class transient --older-than 1h --dry-run
    orak dlq reprocess --stage analyze --limit 200 --rate 2/s --yes
    orak dlq reprocess ID --from convert --max-duration 12h --timeout 2h`
}

type dlqDiscardCmd struct{ decision }

// Help implements kong.HelpProvider.
func (dlqDiscardCmd) Help() string {
	return `The upload ends for good; what was stored of it stays. Takes ids, or the same selection as "orak dlq list".

Examples:

    orak dlq discard 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --reason "a text file"
    orak dlq discard --class input --older-than 3d --dry-run
    orak dlq discard --class input --text .docx --reason "no recordings"`
}

// Run decides for one after the other.
func (r *dlqReprocessCmd) Run(ctx context.Context, con *console) error {
	req := resource.ReprocessRequest{From: orak.Stage(r.From), Reason: r.Reason, By: r.by(), Options: r.options()}
	return r.run(ctx, con, deed{
		verb: "reprocess", doing: "reprocessing", did: "runs again", many: "run again",
		flags: r.flags(),
		do: func(ctx context.Context, cl *client.Client, id orak.UploadID) (resource.Upload, error) {
			return cl.Reprocess(ctx, id, req)
		},
		ask: func(ctx context.Context, n int) (bool, error) {
			return con.Ask(ctx, fmt.Sprintf("Reprocess %s?", terminal.Count(n, "dead letter")))
		},
	}, r.Watch)
}

func (r *dlqReprocessCmd) options() map[string]string {
	options := map[string]string{}
	for name, value := range map[string]string{
		workflows.OptionTimeout: r.Timeout, workflows.OptionMaxDuration: r.MaxDuration, workflows.OptionEngine: r.Engine,
	} {
		if value != "" {
			options[name] = value
		}
	}
	return options
}

// flags are those of the decision that are not every command's.
func (r *dlqReprocessCmd) flags() []string {
	var words []string
	for _, f := range []struct{ flag, value string }{
		{"--from", r.From}, {"--timeout", r.Timeout}, {"--max-duration", r.MaxDuration}, {"--engine", r.Engine},
	} {
		if f.value != "" {
			words = append(words, f.flag, f.value)
		}
	}
	return words
}

// Run decides for one after the other.
func (d *dlqDiscardCmd) Run(ctx context.Context, con *console) error {
	req := resource.DiscardRequest{Reason: d.Reason, By: d.by()}
	return d.run(ctx, con, deed{
		verb: "discard", doing: "discarding", did: "is discarded", many: "are discarded",
		do: func(ctx context.Context, cl *client.Client, id orak.UploadID) (resource.Upload, error) {
			return cl.Discard(ctx, id, req)
		},
		ask: func(ctx context.Context, n int) (bool, error) {
			return con.AskFor(ctx, fmt.Sprintf("%s would be given up for good.", terminal.Count(n, "dead letter")), fmt.Sprint(n))
		},
	}, false)
}

// deed is what is done to dead letters, and how it is spoken of.
type deed struct {
	verb, doing, did, many string
	// flags are the deed's own, for the command that goes on with it.
	flags []string
	do    func(context.Context, *client.Client, orak.UploadID) (resource.Upload, error)
	// ask is asked before many are done.
	ask func(ctx context.Context, n int) (bool, error)
}

// run does a deed to the ids, or to all that are selected.
func (d *decision) run(ctx context.Context, con *console, what deed, watch bool) error {
	con.JSON = d.JSON
	perSecond, err := parseRate(d.Rate)
	if err != nil {
		return usageError{err}
	}
	sel, err := d.selection(con.Now())
	if err != nil {
		return err
	}
	ids, err := parseIDs(d.IDs)
	if err != nil {
		return err
	}
	selects := d.narrow() || d.All
	switch {
	case len(ids) > 0 && selects:
		return usageError{errors.New("give either ids or a selection, not both")}
	case len(ids) == 0 && !selects:
		return usageError{errors.New("say which: ids, or a selection such as --class transient; --all takes every dead letter")}
	case watch && (len(ids) == 0 || d.DryRun):
		return usageError{errors.New("--watch is for ids, and not for a dry run")}
	case d.Limit < 1:
		return usageError{errors.New("--limit: want 1 at least")}
	}
	cl, err := d.open(con)
	if err != nil {
		return err
	}
	limit := rate.Limit(perSecond)
	if perSecond == 0 {
		limit = rate.Inf
	}
	b := &bulk{decision: d, deed: what, con: con, cl: cl, pace: rate.NewLimiter(limit, 1), sel: sel}
	switch {
	case len(ids) == 0:
		return b.run(ctx)
	case d.DryRun:
		return b.preview(ctx, ids)
	default:
		return b.each(ctx, ids, watch)
	}
}

// each goes on after a failure: the decisions do not depend on one another.
func (b *bulk) each(ctx context.Context, ids []orak.UploadID, watch bool) error {
	var worst error
	for i, id := range ids {
		err := b.pace.Wait(ctx)
		if err == nil {
			err = b.one(ctx, id, watch)
		}
		if err != nil && ctx.Err() != nil {
			if !watch && len(ids) > 1 {
				b.con.Tell("Stopped. The rest:\n  %s", b.again(ids[i:]))
			}
			return err
		}
		if err != nil {
			b.con.explain(ctx, err)
			worst = worse(worst, said{err})
		}
	}
	return worst
}

func (b *bulk) one(ctx context.Context, id orak.UploadID, watch bool) error {
	owner := b.remote
	if watch {
		// Dead letters are the operators', whoever owns the upload; its
		// status is its owner's alone.
		letter, err := b.cl.DeadLetter(ctx, id)
		if err != nil {
			return err
		}
		owner.Tenant, owner.everyTenant = string(letter.Tenant), false
	}
	u, err := b.do(ctx, b.cl, id)
	switch {
	case err != nil:
		return err
	case watch:
		return owner.watch(ctx, b.con, b.cl.As(orak.Tenant(owner.Tenant)), id)
	case b.con.JSON:
		return b.con.Value(u)
	default:
		b.con.Print("%s %s", id, b.did)
		return nil
	}
}

// by is who decides: for the record, not a proof.
func (d *decision) by() string { return byWhom(d.By) }

// byWhom is the given name, or the user of this machine.
func byWhom(given string) string {
	if given != "" {
		return given
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return strings.ToValidUTF8(u.Username, "_")
	}
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "unknown"
}
