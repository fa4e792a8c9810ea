package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"orak/client"
)

type analysisCmd struct {
	remote

	ID string `arg:"" help:"Id of the upload."`
}

// Help implements kong.HelpProvider.
func (analysisCmd) Help() string {
	return `Examples:

    orak analysis 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak analysis 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq .pitch`
}

// Run prints the analysis of a completed upload.
func (a *analysisCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{a.ID})
	if err != nil {
		return err
	}
	cl, err := a.open(con)
	if err != nil {
		return err
	}
	analysis, err := cl.Analysis(ctx, ids[0])
	if refusal, ok := errors.AsType[*client.Error](err); ok && refusal.Problem.Status == http.StatusNotFound {
		code := con.explain(ctx, err)
		if code == exitFailed && !con.JSON {
			con.Tell("  Its status: %s", a.command("status", a.ID))
		}
		return printedError{err}
	}
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(analysis)
	}
	con.title("", strings.ToLower(string(ids[0])), "")
	con.result(analysis)
	return nil
}
