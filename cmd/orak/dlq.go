package main

import (
	"cmp"
	"context"
	"fmt"

	"orak"
	"orak/api/resource"
	"orak/client"
)

type dlqCmd struct {
	List      dlqListCmd      `cmd:"" help:"List the dead letters, the newest first."`
	Show      dlqShowCmd      `cmd:"" help:"Tell everything about one, and how to mend it."`
	Reprocess dlqReprocessCmd `cmd:"" help:"Run dead-lettered uploads again."`
	Discard   dlqDiscardCmd   `cmd:"" help:"Give dead-lettered uploads up for good."`
	Verify    dlqVerifyCmd    `cmd:"" help:"Compare the dead letters with what is parked."`
}

// Help implements kong.HelpProvider.
func (dlqCmd) Help() string {
	return `A dead letter is an upload that was given up after its attempts. It stays parked for 7 days, until somebody
mends the cause and runs it again, or discards it.`
}

type dlqListCmd struct {
	operator
	letterFlags

	Limit int `env:"-" short:"n" default:"50" help:"How many to list at most; 0 lists all."`
}

// Help implements kong.HelpProvider.
func (dlqListCmd) Help() string {
	return `Examples:

    orak dlq list
    orak dlq list --stage analyze --class model,transient --newer-than 24h
    orak dlq list --text choir --older-than 6d
    orak dlq list --all-tenants
    orak dlq list --limit 0 --json | jq -r '.dead_letters[].id'

With --json every line is one page; a page may be empty.`
}

// Run lists page by page.
func (l *dlqListCmd) Run(ctx context.Context, con *console) error {
	sel, err := l.selection(con.now())
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
		if con.json {
			err = con.value(page)
		} else {
			con.deadLetterLines(page.DeadLetters, listed == 0)
		}
		listed += len(page.DeadLetters)
		return l.Limit > 0 && listed >= l.Limit, err
	})
	if err != nil || con.json {
		return err
	}
	switch {
	case listed == 0 && l.narrow():
		con.tell("No dead letter is selected.")
		return nil
	case listed == 0 && !l.AllTenants:
		con.tell("No dead letters of tenant %s: nothing waits for you.", cmp.Or(l.Tenant, string(orak.DefaultTenant)))
		return nil
	case listed == 0:
		con.tell("No dead letters of any tenant: nothing waits for you.")
		return nil
	}
	foot := count(listed, "dead letter") + "."
	if more || cut {
		foot = fmt.Sprintf("The newest %d; --limit 0 lists all.", listed)
	}
	con.tell("%s Next: %s", foot, l.command("dlq", "show", "ID"))
	return nil
}

// pages hands over one page after the other until enough says so; more tells
// whether there were further ones.
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

type dlqShowCmd struct {
	operator

	ID string `arg:"" help:"The upload's id."`
}

// Help implements kong.HelpProvider.
func (dlqShowCmd) Help() string {
	return `Examples:

    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq -r .web_ui
    orak dlq show 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq '.event.value | fromjson'`
}

// Run shows one dead letter.
func (s *dlqShowCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{s.ID})
	if err != nil {
		return err
	}
	cl, err := s.open(con)
	if err != nil {
		return err
	}
	letter, err := cl.DeadLetter(ctx, ids[0])
	switch {
	case err != nil:
		return err
	case con.json:
		return con.value(letter)
	}
	con.deadLetter(s.remote, letter)
	return nil
}
