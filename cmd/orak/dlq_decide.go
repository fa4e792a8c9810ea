package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"golang.org/x/time/rate"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
	"orak/workflows"
)

// decision has the flags of a decision about single dead letters or about all
// that are selected.
type decision struct {
	operator
	letterFlags

	IDs    []string `arg:"" optional:"" name:"id" help:"Ids of the uploads, instead of a selection."`
	All    bool     `env:"-" group:"Selection" help:"Every dead letter."`
	Limit  int      `env:"-" default:"1000" help:"Maximum number of selected dead letters to decide about, newest first."`
	Rate   string   `env:"-" default:"50/s" help:"Maximum rate of decisions: 5/s, 100/m, or 0 for no limit."`
	Reason string   `env:"-" default:"from the command line" help:"Reason, for the record."`
	By     string   `env:"-" placeholder:"NAME" help:"Who decides, for the record; by default the current user."`
	consent
}

type dlqReprocessCmd struct {
	decision

	From        string `env:"-" enum:",convert,analyze,publish" default:"" help:"First stage to run: convert, analyze or publish; by default the one that failed."`
	Timeout     string `env:"-" placeholder:"DURATION" help:"Time limit of an attempt to convert or analyze, for this run, such as 2h."`
	MaxDuration string `env:"-" placeholder:"DURATION" help:"Maximum length of the recording, for this run, such as 12h."`
	Engine      string `env:"-" placeholder:"NAME" help:"Engine for the analysis, for this run, such as builtin."`
	Backlog     int64  `env:"-" default:"100" help:"Of a selection: wait while this many tasks or more wait in orak-convert and orak-gpu together; 0 ignores the queues."`
	Watch       bool   `short:"w" env:"-" help:"Follow each upload to its end and print the result. Only with ids."`
}

// Help implements kong.HelpProvider.
func (dlqReprocessCmd) Help() string {
	return `Takes ids, or the same selection as "orak dlq list". For a selection the command prints the number of dead letters and
asks first, then decides as fast as the task queues allow: it waits while many tasks wait there. When it is interrupted it prints the command that continues with the rest.

Examples:

    orak dlq reprocess 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --watch
    orak dlq reprocess ID ID ID --from analyze --reason "model server fixed"
    orak dlq reprocess --class transient --older-than 1h --dry-run
    orak dlq reprocess --stage analyze --limit 200 --rate 2/s --yes
    orak dlq reprocess ID --from convert --max-duration 12h --timeout 2h`
}

type dlqDiscardCmd struct{ decision }

// Help implements kong.HelpProvider.
func (dlqDiscardCmd) Help() string {
	return `The uploads end for good; their recordings stay in the store. Takes ids, or the same selection as "orak dlq list".

Examples:

    orak dlq discard 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --reason "a text file"
    orak dlq discard --class input --older-than 3d --dry-run
    orak dlq discard --class input --text .docx --reason "no recordings"`
}

// Run reprocesses one after the other.
func (r *dlqReprocessCmd) Run(ctx context.Context, con *console) error {
	if r.Backlog < 0 {
		return usageError(errors.New("--backlog: want at least 0"))
	}
	req := resource.ReprocessRequest{From: orak.Stage(r.From), Reason: r.Reason, By: r.by(), Options: r.options()}
	return r.run(ctx, con, verb{
		name: "reprocess", doing: "reprocessing", did: "runs again", many: "run again",
		flags: r.flags(), backlog: r.Backlog,
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

// flags returns the flags given that only reprocess has.
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

// Run discards one after the other.
func (d *dlqDiscardCmd) Run(ctx context.Context, con *console) error {
	req := resource.DiscardRequest{Reason: d.Reason, By: d.by()}
	return d.run(ctx, con, verb{
		name: "discard", doing: "discarding", did: "is discarded", many: "are discarded",
		do: func(ctx context.Context, cl *client.Client, id orak.UploadID) (resource.Upload, error) {
			return cl.Discard(ctx, id, req)
		},
		ask: func(ctx context.Context, n int) (bool, error) {
			return con.AskFor(ctx, fmt.Sprintf("This ends %s for good.", terminal.Count(n, "dead letter")), fmt.Sprint(n))
		},
	}, false)
}

// verb is one of the two decisions, and the words for it.
type verb struct {
	name, doing, did, many string
	// flags are the flags given that only this decision has.
	flags []string
	// backlog is how many tasks may wait in the queues while it is applied to many; 0
	// ignores them.
	backlog int64
	do      func(context.Context, *client.Client, orak.UploadID) (resource.Upload, error)
	// ask asks before the decision is applied to many.
	ask func(ctx context.Context, n int) (bool, error)
}

// run applies a decision to the ids, or to all that are selected.
func (d *decision) run(ctx context.Context, con *console, what verb, watch bool) error {
	con.JSON = d.JSON
	perSecond, err := parseRate(d.Rate)
	if err != nil {
		return usageError(err)
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
		return usageError(errors.New("give either ids or a selection, not both"))
	case len(ids) == 0 && !selects:
		return usageError(errors.New("say which dead letters: ids, or a selection such as --class transient, or --all"))
	case watch && (len(ids) == 0 || d.DryRun):
		return usageError(errors.New("--watch needs ids, and cannot be combined with --dry-run"))
	case d.Limit < 1:
		return usageError(errors.New("--limit: want at least 1"))
	}
	cl, err := d.open(con)
	if err != nil {
		return err
	}
	limit := rate.Limit(perSecond)
	if perSecond == 0 {
		limit = rate.Inf
	}
	b := &bulk{decision: d, verb: what, con: con, cl: cl, pace: rate.NewLimiter(limit, 1), sel: sel}
	b.brake = brake{bound: what.backlog, look: cl.Queues, every: brakeEvery}
	switch {
	case len(ids) == 0:
		return b.run(ctx)
	case d.DryRun:
		return b.preview(ctx, ids)
	default:
		return b.each(ctx, ids, watch)
	}
}

// each continues after a failure: the decisions are independent.
func (b *bulk) each(ctx context.Context, ids []orak.UploadID, watch bool) error {
	var worst error
	for i, id := range ids {
		err := b.pace.Wait(ctx)
		if err == nil {
			err = b.one(ctx, id, watch)
		}
		if err != nil && ctx.Err() != nil {
			if !watch && len(ids) > 1 {
				b.con.Tell("Stopped. Continue with the rest:\n  %s", b.again(ids[i:]))
			}
			return err
		}
		if err != nil {
			b.con.explain(ctx, err)
			worst = worse(worst, printedError{err})
		}
	}
	return worst
}

func (b *bulk) one(ctx context.Context, id orak.UploadID, watch bool) error {
	owner := b.remote
	if watch {
		// An operator with --all-tenants may read any dead letter, but the
		// status of an upload only as its tenant.
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

// by returns who decides. It is for the record and proves nothing.
func (d *decision) by() string { return byWhom(d.By) }

// byWhom returns the given name, or that of the current user.
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
