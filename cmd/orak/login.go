package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"orak"
	"orak/client"
	"orak/internal/config"
	"orak/internal/terminal"
)

type loginCmd struct {
	remote

	Out     bool `name:"logout" env:"-" help:"Forget the server and the key instead."`
	Offline bool `env:"-" help:"Do not ask the server whether it takes the key."`
}

// Help implements kong.HelpProvider.
func (loginCmd) Help() string {
	return `Asks for the key without showing it, or reads it from standard input. Server and key are kept in a file that only you can
read (mode 600): $XDG_CONFIG_HOME/orak/login.json, or ~/.config/orak/login.json. The key is only ever sent to that server.
Flags, ORAK_SERVER, ORAK_API_KEY and a standalone stack in the current folder come first.

Examples:

    orak login --server https://orak.example.org
    orak keys create --scopes all | orak login --server https://orak.example.org
    orak login --logout`
}

// Run keeps the login.
func (l *loginCmd) Run(ctx context.Context, con *console) error {
	con.JSON = l.JSON
	path := config.LoginPath(con.environ)
	if path == "" {
		return usageError(errors.New("there is no folder for it: set HOME or XDG_CONFIG_HOME"))
	}
	if l.Out {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing the login: %w", err)
		}
		con.Print("%s Logged out.", con.Paint(terminal.Green, con.Marks.Done))
		return nil
	}
	cfg := l.Config
	if cfg.APIKey == "" {
		var err error
		cfg.APIKey, err = con.ReadSecret(ctx, "API key for "+terminal.Clean(cfg.Server)+":")
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the key: %w", err)
		}
	}
	if cfg.APIKey == "" {
		return usageError(errors.New("no key was given"))
	}
	cl, err := client.New(cfg)
	if err != nil {
		return usageError(err)
	}
	if !l.Offline {
		if err := takes(ctx, cl); err != nil {
			return err
		}
	}
	if err := config.SaveLogin(path, config.Login{Server: cl.Server(), APIKey: cfg.APIKey}); err != nil {
		return err
	}
	con.Print("%s Logged in to %s. The key is in %s.", con.Paint(terminal.Green, con.Marks.Done), terminal.Clean(cl.Server()), terminal.Clean(path))
	return nil
}

// takes returns an error unless the server takes the client's key. It asks for an upload
// that does not exist: whether the key may read does not matter.
func takes(ctx context.Context, cl *client.Client) error {
	_, err := cl.Upload(ctx, orak.UploadID("00000000-0000-7000-8000-000000000000"))
	refusal, ok := errors.AsType[*client.Error](err)
	if ok && (refusal.Problem.Status == http.StatusNotFound || refusal.Problem.Status == http.StatusForbidden) {
		return nil
	}
	return err
}
