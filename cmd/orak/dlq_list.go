package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type dlqListCmd struct {
	operator
	letterFlags

	Limit int `env:"-" short:"n" default:"50" help:"Maximum number to list; 0 lists all."`
}

// Help implements kong.HelpProvider.
func (dlqListCmd) Help() string {
	return `Examples:

    orak dlq list
    orak dlq list --stage analyze --class model,transient --newer-than 24h
    orak dlq list --text choir --older-than 6d
    orak dlq list --all-tenants
    orak dlq list --limit 0 --json | jq -r '.dead_letters[].id'

With --json every line is one page, which may be empty.`
}

// Run lists page by page.
func (l *dlqListCmd) Run(ctx context.Context, con *console) error {
	sel, err := l.selection(con.Now())
	if err != nil {
		return err
	}
	cl, err := l.open(con)
	if err != nil {
		return err
	}
	sel.Page = l.Limit
	listed, cut := 0, false
	more, err := pages(ctx, cl, sel, func(page resource.DeadLetterPage) (_ bool, err error) {
		if room := l.Limit - listed; l.Limit > 0 && len(page.DeadLetters) > room {
			page.DeadLetters, cut = page.DeadLetters[:room], true
		}
		if con.JSON {
			err = con.Value(page)
		} else {
			con.deadLetterLines(page.DeadLetters, listed == 0)
		}
		listed += len(page.DeadLetters)
		return l.Limit > 0 && listed >= l.Limit, err
	})
	if err != nil || con.JSON {
		return err
	}
	switch {
	case listed == 0 && l.narrow():
		con.Tell("No dead letter is selected.")
		return nil
	case listed == 0 && !l.AllTenants:
		con.Tell("Tenant %s has no dead letters: nothing to do.", cmp.Or(l.Tenant, string(orak.DefaultTenant)))
		return nil
	case listed == 0:
		con.Tell("No tenant has dead letters: nothing to do.")
		return nil
	}
	foot := terminal.Count(listed, "dead letter") + "."
	if more || cut {
		foot = fmt.Sprintf("The newest %d; --limit 0 lists all.", listed)
	}
	con.Tell("%s Next: %s", foot, l.command("dlq", "show", "ID"))
	return nil
}

// pages passes one page after the other to visit, until that has enough. more
// reports whether there are further ones.
func pages(ctx context.Context, cl *client.Client, sel client.Selection, visit func(resource.DeadLetterPage) (enough bool, err error)) (more bool, err error) {
	token := ""
	for {
		page, err := cl.DeadLetters(ctx, sel, token)
		if err != nil {
			return false, err
		}
		enough, err := visit(page)
		if err != nil || enough || page.Next == "" {
			return page.Next != "", err
		}
		token = page.Next
	}
}

// deadLetterWidth is the width of the list in columns.
const deadLetterWidth = 78

// deadLetterLines lists letters, the first ones below the names of the columns.
func (c *console) deadLetterLines(letters []resource.DeadLetter, first bool) {
	if first && len(letters) > 0 && c.Width >= deadLetterWidth {
		c.Print("%s", c.Paint(terminal.Faint, terminal.Pad("ID", 38)+terminal.Pad("STAGE", 9)+terminal.Pad("CLASS", 12)+terminal.Pad("FAILED", 14)+"CYCLE"))
	}
	for _, d := range letters {
		c.deadLetterLine(d)
	}
}

// deadLetterLine prints the whole id, for copying, and below it the tenant, the
// file and the failure.
func (c *console) deadLetterLine(d resource.DeadLetter) {
	id, stage, class := terminal.Clean(string(d.ID)), terminal.Clean(string(d.Failure.Stage)), terminal.Clean(string(d.Failure.Class))
	cycle := ""
	if d.Cycle > 0 {
		cycle = fmt.Sprint(d.Cycle)
	}
	if c.Width >= deadLetterWidth {
		line := terminal.Pad(stage, 9) + terminal.Pad(class, 12) + terminal.Pad(c.Since(d.LastAt), 14) + cycle
		c.Print("%s%s", c.Paint(terminal.Bold, terminal.Pad(id, 38)), strings.TrimRight(line, " "))
	} else {
		c.Print("%s", c.Paint(terminal.Bold, id))
		c.Print("  %s", strings.TrimSpace(stage+" "+class+"  "+c.Since(d.LastAt)))
	}
	var about []string
	for _, text := range []string{string(d.Tenant), d.Filename} {
		if text != "" {
			about = append(about, terminal.Clean(text))
		}
	}
	c.Print("  %s", terminal.Fit(strings.Join(append(about, terminal.Clean(d.Failure.Message)), ": "), c.Width-2))
}
