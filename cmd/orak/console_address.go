package main

import (
	"context"
	"time"

	"orak/internal/terminal"
)

type consoleCmd struct {
	remote
}

// consoleAddress is what consoleCmd prints as JSON.
type consoleAddress struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Help implements kong.HelpProvider.
func (consoleCmd) Help() string {
	return `The address logs in once, within 5 minutes, with the tenant and the scopes of the API key; the browser does not learn the key. Whoever has
the address first is logged in, so give it to nobody. Where nobody logs in (--auth=gateway or none), it is only the address.

Examples:

    orak console
    orak console --server https://orak.example.org`
}

// Run prints the address.
func (c *consoleCmd) Run(ctx context.Context, con *console) error {
	cl, err := c.open(con)
	if err != nil {
		return err
	}
	session, err := cl.Session(ctx)
	if err != nil {
		return err
	}
	address := consoleAddress{URL: cl.Server() + "/"}
	if len(session.Ways) > 0 {
		code, err := cl.LoginCode(ctx)
		if err != nil {
			return err
		}
		address = consoleAddress{URL: cl.Server() + code.URL, ExpiresAt: code.ExpiresAt}
	}
	if con.JSON {
		return con.Value(address)
	}
	con.Print("%s", terminal.Clean(address.URL))
	if !address.ExpiresAt.IsZero() {
		con.Tell("It logs in once, until %s.", address.ExpiresAt.Local().Format("15:04"))
	}
	return nil
}
