package main

import (
	"fmt"
	"io"
	"log/slog"

	"orak/internal/terminal"
)

// console is where the command line speaks to people and programs.
type console struct {
	*terminal.Terminal

	// repeat reports whether the next command line in the same shell must give
	// a flag again; nil means it need not.
	repeat func(flag string) bool
	// environ is the environment of the command.
	environ []string
	// keyFor returns the API key for a server, of the standalone stack or of orak
	// login; nil means that there is none.
	keyFor func(server string) (string, error)
}

func newConsole(environ []string, stdin io.Reader, stdout, stderr io.Writer) *console {
	return &console{Terminal: terminal.New(environ, stdin, stdout, stderr), environ: environ}
}

func (c *console) warn(text string) { c.Tell("orak: warning: %s", terminal.Clean(text)) }

// repeats reports whether the next command line must give a flag again.
func (c *console) repeats(flag string) bool { return c.repeat != nil && c.repeat(flag) }

// quietLog passes on what a person at a terminal should see of the logs of
// Kafka's and Temporal's clients.
func (c *console) quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(c.Err, &slog.HandlerOptions{Level: slog.LevelError}))
}

// title heads a listing about an upload; name is the file's, where it is known.
func (c *console) title(name, id, state string) {
	if name != "" && name != id {
		c.Print("")
		c.Print("%s  %s", c.Paint(terminal.Bold, terminal.Fit(terminal.Clean(name), c.Width-14)), state)
		c.Print("%s", c.Paint(terminal.Faint, terminal.Clean(id)))
		return
	}
	c.Print("%s  %s", c.Paint(terminal.Bold, terminal.Clean(id)), state)
}

// newProgress shows how many of the things have been done.
func newProgress(con *console, doing, thing string) *terminal.Progress {
	return &terminal.Progress{Terminal: con.Terminal, Title: doing, Line: func(done, total int64) string {
		return fmt.Sprintf("%s: %d of %s", doing, done, terminal.Count(int(total), thing))
	}}
}
