package main

import (
	"context"
	"fmt"
	"time"

	"orak"
	"orak/client"
	"orak/internal/terminal"
)

type eraseCmd struct {
	remote
	consent

	IDs    []string `arg:"" name:"id" help:"Ids of the uploads."`
	Reason string   `env:"-" default:"from the command line" help:"Reason, for the record. It is sent downstream, so it must not contain personal data."`
	By     string   `env:"-" placeholder:"NAME" help:"Who asks, for the record; by default the current user."`
	Watch  bool     `short:"w" env:"-" help:"Wait until everything is erased."`
}

// Help implements kong.HelpProvider.
func (eraseCmd) Help() string {
	return `Cancels the processing, and removes the recording and everything derived from it for good. An event informs
consumers downstream. An erased upload is never started again, and its Idempotency-Key is refused from then on.

Examples:

    orak erase 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak erase 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --tenant choir --watch
    orak erase ID ID ID --yes --reason "asked by the owner" --json`
}

// erasure is what --json prints for an upload.
type erasure struct {
	ID orak.UploadID `json:"id"`
	// Status is "erasing" or "erased".
	Status   string    `json:"status"`
	ErasedAt time.Time `json:"erased_at,omitzero"`
}

// Run asks once, and continues after a failure: the erasures are independent.
func (e *eraseCmd) Run(ctx context.Context, con *console) error {
	con.JSON = e.JSON
	ids, err := parseIDs(e.IDs)
	if err != nil {
		return err
	}
	if err := e.checkAsk(con); err != nil {
		return err
	}
	cl, err := e.open(con)
	if err != nil {
		return err
	}
	if !e.Yes && !e.DryRun {
		yes, err := con.AskFor(ctx, fmt.Sprintf("This erases %s for good.", terminal.Count(len(ids), "upload")), fmt.Sprint(len(ids)))
		if err != nil || !yes {
			return err
		}
	}
	do := e.erase
	if e.DryRun {
		do = e.preview
	}
	var worst error
	for _, id := range ids {
		err := do(ctx, con, cl, id)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			con.explain(ctx, err)
			worst = worse(worst, printedError{err})
		}
	}
	return worst
}

// preview prints what would be erased.
func (e *eraseCmd) preview(ctx context.Context, con *console, cl *client.Client, id orak.UploadID) error {
	u, err := cl.Upload(ctx, id)
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(u)
	}
	con.Print("%s would be erased; it is %s", id, stateText(u))
	return nil
}

func (e *eraseCmd) erase(ctx context.Context, con *console, cl *client.Client, id orak.UploadID) error {
	done, err := cl.Erase(ctx, id, byWhom(e.By), e.Reason)
	if err != nil {
		return err
	}
	if !done && !e.Watch {
		if con.JSON {
			return con.Value(erasure{ID: id, Status: "erasing"})
		}
		con.Print("%s is being erased", id)
		return nil
	}
	at, err := cl.AwaitErased(ctx, id)
	if ctx.Err() != nil {
		con.Tell("Stopped watching; the erasure goes on. Watch again with:\n  %s", e.command("erase", string(id), "--yes", "--watch"))
	}
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(erasure{ID: id, Status: string(orak.StatusErased), ErasedAt: at})
	}
	con.Print("%s was erased at %s", id, at.UTC().Format(time.RFC3339))
	return nil
}
