package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

// remote has the flags of every command that calls the API.
type remote struct {
	client.Config `embed:"" group:"Server"`

	JSON bool `name:"json" env:"-" help:"Print JSON, one value per line, and no progress."`

	// everyTenant is set by operator.
	everyTenant bool
	// repeat reports whether the next command line must give a flag again; nil
	// means always.
	repeat func(name string) bool
}

// open returns the client. It does not connect.
func (r *remote) open(con *console) (*client.Client, error) {
	con.JSON = r.JSON
	r.repeat = con.repeat
	if r.APIKey == "" && con.keyFor != nil {
		var err error
		if r.APIKey, err = con.keyFor(r.Server); err != nil {
			return nil, err
		}
	}
	cl, err := client.New(r.Config)
	if err != nil {
		return nil, usageError(err)
	}
	return cl, nil
}

// defaultServer is the default of --server; a test compares the two.
const defaultServer = "http://127.0.0.1:8080"

// command returns a command line that can be pasted into the same shell and
// calls the same server.
func (r remote) command(words ...string) string {
	if r.Server != defaultServer && r.mustRepeat("server") {
		words = append(words, "--server", r.Server)
	}
	switch {
	case r.everyTenant:
		words = append(words, "--all-tenants")
	case r.Tenant != "" && r.mustRepeat("tenant"):
		words = append(words, "--tenant", r.Tenant)
	}
	return commandLine(words)
}

// commandLine returns an orak command that can be pasted into a shell.
func commandLine(words []string) string {
	line := "orak"
	for _, word := range words {
		line += " " + shellQuote(word)
	}
	return line
}

func (r remote) mustRepeat(name string) bool { return r.repeat == nil || r.repeat(name) }

func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(terminal.Clean(s), "'", `'\''`) + "'"
}

// operator has the flags of commands that an operator can give for all tenants
// at once.
type operator struct {
	remote

	AllTenants bool `env:"-" group:"Server" help:"The dead letters of all tenants, not of one. The server accepts it if it was started with --api-all-tenants."`
}

// open returns the client, for all tenants with --all-tenants.
func (o *operator) open(con *console) (*client.Client, error) {
	cl, err := o.remote.open(con)
	if err != nil || !o.AllTenants {
		return cl, err
	}
	if con.repeats("tenant") {
		return nil, usageError(errors.New("--tenant and --all-tenants exclude each other: leave out one"))
	}
	o.everyTenant = true
	return cl.As(resource.EveryTenant), nil
}

// early returns the error of a request for a result, after it has explained one that is
// not there yet, with the command that prints the upload's status.
func (r remote) early(ctx context.Context, con *console, id string, err error) error {
	refusal, ok := errors.AsType[*client.Error](err)
	if !ok || refusal.Problem.Status != http.StatusConflict {
		return err
	}
	if con.explain(ctx, err) == exitFailed && !con.JSON {
		con.Tell("  Its status: %s", r.command("status", id))
	}
	return printedError{err}
}
