package main

import (
	"context"
	"fmt"
	"time"

	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type auditCmd struct {
	remote

	By      string `env:"-" group:"Selection" placeholder:"WHO" help:"Only what this credential did, such as key/ID or kafka/USER."`
	Act     string `env:"-" group:"Selection" placeholder:"ACT" help:"Only this act, such as key.revoke, or this kind, such as key."`
	Subject string `env:"-" group:"Selection" placeholder:"ID" help:"Only what was done to this, such as the id of an upload."`
	Since   string `env:"-" group:"Selection" placeholder:"WHEN" help:"Only what was done since this: an age such as 90m or 3d, or a time such as 2026-11-22T12:00:00Z."`
	Until   string `env:"-" group:"Selection" placeholder:"WHEN" help:"Only what was done before this; in the form of --since."`
	Limit   int    `env:"-" short:"n" default:"50" help:"Maximum number to list."`
	All     bool   `env:"-" help:"List all of it, page by page."`
}

// Help implements kong.HelpProvider.
func (auditCmd) Help() string {
	return `Lists what operators and administrators did, the latest first: decisions on dead letters, cancellations, erasures, and
changes of songs, webhooks, keys and settings. It needs the scope admin. The list comes from the index, which follows by moments.

Examples:

    orak audit --since 1d
    orak audit --by key/ID
    orak audit --act dead-letter --subject ID
    orak audit --all --json | jq -r '.acts[] | [.at, .by, .act, .subject] | @tsv'

With --json every line is one page.`
}

func (a *auditCmd) selection(con *console) (q client.ActQuery, err error) {
	q = client.ActQuery{By: a.By, Act: a.Act, Subject: a.Subject}
	if q.From, err = parseWhen(a.Since, con.Now()); err != nil {
		return q, usageError(fmt.Errorf("--since %w", err))
	}
	if q.To, err = parseWhen(a.Until, con.Now()); err != nil {
		return q, usageError(fmt.Errorf("--until %w", err))
	}
	if a.Limit < 1 {
		return q, usageError(fmt.Errorf("--limit %d: want 1 or more; --all lists all", a.Limit))
	}
	if !a.All {
		q.Page = a.Limit
	}
	return q, nil
}

// Run lists page by page.
func (a *auditCmd) Run(ctx context.Context, con *console) error {
	q, err := a.selection(con)
	if err != nil {
		return err
	}
	cl, err := a.open(con)
	if err != nil {
		return err
	}
	listed := 0
	for token := ""; ; {
		page, err := cl.Audit(ctx, q, token)
		if err != nil {
			return err
		}
		if room := a.Limit - listed; !a.All && len(page.Acts) > room {
			page.Acts = page.Acts[:room]
		}
		if con.JSON {
			err = con.Value(page)
		} else {
			con.actLines(page.Acts)
		}
		if err != nil {
			return err
		}
		listed += len(page.Acts)
		if token = page.Next; token == "" || !a.All && listed >= a.Limit {
			con.auditFoot(listed, token != "")
			return nil
		}
	}
}

func (c *console) auditFoot(listed int, more bool) {
	switch {
	case c.JSON:
	case listed == 0:
		c.Tell("No act is selected.")
	case more:
		c.Tell("The latest %d; --all lists all.", listed)
	}
}

// actLines prints acts: what was done to what, and below it by whom, when and why.
func (c *console) actLines(acts []resource.Act) {
	for _, a := range acts {
		line := a.Act
		if a.Subject != "" {
			line += "  " + a.Subject
		}
		c.Print("%s", terminal.Fit(terminal.Clean(line), c.Width))
		about := "by " + a.By + ", " + a.At.Local().Format(time.DateTime) + ", tenant " + tenantName(a.Tenant)
		if a.Detail != "" {
			about += ": " + a.Detail
		}
		c.Print("  %s", c.Paint(terminal.Faint, terminal.Fit(terminal.Clean(about), c.Width-2)))
	}
}
