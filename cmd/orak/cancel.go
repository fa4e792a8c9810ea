package main

import (
	"context"
	"errors"

	"orak"
	"orak/api/resource"
	"orak/client"
)

type cancelCmd struct {
	remote

	IDs    []string `arg:"" name:"id" help:"Ids of the uploads."`
	Reason string   `env:"-" help:"Reason, for the record. It is sent downstream, so it must not contain personal data."`
	Watch  bool     `short:"w" env:"-" help:"Wait until the uploads have ended."`
}

// Help implements kong.HelpProvider.
func (cancelCmd) Help() string {
	return `A canceled upload stays canceled, and gets no analysis. Its recording is kept; orak erase removes that, too. The processing may end
before the request arrives: with --watch, the exit code is 3 then.

Examples:

    orak cancel 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak cancel ID ID ID --watch --reason "sent by mistake"`
}

// Run continues after a failure: the uploads are independent.
func (c *cancelCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs(c.IDs)
	if err != nil {
		return err
	}
	cl, err := c.open(con)
	if err != nil {
		return err
	}
	var worst error
	for _, id := range ids {
		err := c.cancel(ctx, con, cl, id)
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

func (c *cancelCmd) cancel(ctx context.Context, con *console, cl *client.Client, id orak.UploadID) error {
	u, err := cl.Cancel(ctx, id, c.Reason)
	if err != nil {
		return err
	}
	if c.Watch && u.Status != orak.StatusCanceled {
		u, err = cl.AwaitFinal(ctx, id)
		if ctx.Err() != nil {
			con.Tell("Stopped watching; the upload is still being canceled. Watch it with:\n  %s", c.command("status", string(id), "--watch"))
		}
		if err != nil {
			return err
		}
	}
	if err := con.canceling(u); err != nil {
		return err
	}
	if c.Watch && u.Status != orak.StatusCanceled {
		return errNotCanceled
	}
	return nil
}

// errNotCanceled is returned when the processing ended before the cancellation, which
// has been printed.
var errNotCanceled = error(exitError{errors.New("the upload was not canceled"), exitNoResult})

// canceling prints how far a cancellation is.
func (c *console) canceling(u resource.Upload) error {
	switch {
	case c.JSON:
		return c.Value(u)
	case u.Status == orak.StatusCanceled:
		c.Print("%s is canceled", u.ID)
	case u.Status.Final() || u.Halted:
		c.Print("%s was not canceled; it is %s", u.ID, stateText(u))
	default:
		c.Print("%s is being canceled; it is %s", u.ID, stateText(u))
	}
	return nil
}
