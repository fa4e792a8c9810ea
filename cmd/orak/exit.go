package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"orak"
	"orak/client"
	"orak/internal/terminal"
)

// The exit codes, as in the description of the command.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoResult    = 3
	exitUnreachable = 4
	exitGroupError  = 5
	exitInterrupted = 130
)

// exitError is an error with its exit code.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// usageError returns an error in the command line or the configuration, which
// the user must fix.
func usageError(err error) error { return exitError{err, exitUsage} }

// errNoResult is returned when a watched upload ended without a result, which
// has been printed.
var errNoResult = error(exitError{errors.New("the upload ended without a result"), exitNoResult})

// printedError is an error that has been printed already and still decides the exit code.
type printedError struct{ error }

func (e printedError) Unwrap() error { return e.error }

// asOutage gives an outage of Kafka or Temporal its exit code and the error that
// the server's client had.
func (c *console) asOutage(ctx context.Context, err error) error {
	fault, ok := errors.AsType[*orak.Fault](err)
	if ctx.Err() != nil || !ok || fault.Class != orak.ClassDependency {
		return err
	}
	if fault.Err != nil {
		err = fmt.Errorf("%s: %w", strings.TrimSuffix(fault.Message, "."), fault.Err)
	}
	return exitError{err, exitUnreachable}
}

// explain prints an error and the next step, and returns the exit code.
func (c *console) explain(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var already printedError
	if err == nil || code == exitNoResult || code == exitInterrupted || errors.As(err, &already) {
		return code
	}
	if refusal, ok := errors.AsType[*client.Error](err); c.JSON && ok {
		if err := terminal.JSONLine(c.Err, refusal.Problem); err == nil {
			return code
		}
	}
	for i, line := range c.lines(err) {
		if i == 0 {
			line = c.PaintErr(terminal.Red, "orak:") + " " + line
		}
		c.Tell("%s", line)
	}
	return code
}

func exitCode(ctx context.Context, err error) int {
	exit, decided := errors.AsType[exitError](err)
	_, down := errors.AsType[*client.Unreachable](err)
	switch {
	case err == nil:
		return exitOK
	case decided && exit.code == exitFailed: // of a role: whether or not it was interrupted
		return exitFailed
	case ctx.Err() != nil:
		return exitInterrupted
	case decided:
		return exit.code
	case down:
		return exitUnreachable
	default:
		return exitFailed
	}
}

// lines returns the error and the next step as clean text.
func (c *console) lines(err error) []string {
	var exit exitError
	var down *client.Unreachable
	var refusal *client.Error
	switch {
	case errors.As(err, &refusal):
		return refusalLines(refusal)
	case errors.As(err, &down):
		return []string{fmt.Sprintf("%s does not answer (%s). Start it with \"go tool task up\", or name another one with --server or ORAK_SERVER.",
			terminal.Clean(down.Server), why(down))}
	case errors.As(err, &exit) && exit.code == exitUsage:
		var lines []string
		for _, line := range strings.Split(err.Error(), "\n") {
			lines = append(lines, terminal.Clean(line))
		}
		return append(lines, "See \"orak --help\", or add --help to a command.")
	default:
		return []string{terminal.Clean(err.Error())}
	}
}

// why returns an error in few words.
func why(err error) string {
	if down, ok := errors.AsType[*client.Unreachable](err); ok {
		if err = down.Err; down.Refused {
			return "connection refused"
		}
	}
	return terminal.Clean(err.Error())
}

func refusalLines(e *client.Error) []string {
	lines := []string{fmt.Sprintf("%s (%d)", terminal.Clean(e.Problem.Title), e.Problem.Status)}
	if e.Problem.Detail != "" {
		lines = append(lines, "  "+terminal.Clean(e.Problem.Detail))
	}
	if e.Problem.Status == http.StatusUnauthorized {
		lines = append(lines, "  Keep a key with orak login, or set ORAK_API_KEY or ORAK_API_KEY_FILE.")
	}
	if len(e.Problem.Accepted) > 0 {
		lines = append(lines, "  Accepted: "+terminal.Clean(strings.Join(e.Problem.Accepted, ", ")))
	}
	if e.Problem.Instance != "" && e.Problem.Status >= 500 {
		lines = append(lines, "  The server's log has more about request "+terminal.Clean(e.Problem.Instance)+".")
	}
	if e.Problem.Status == http.StatusTooManyRequests || e.Problem.Status == http.StatusServiceUnavailable {
		lines = append(lines, "  The request is valid: try again later.")
	}
	return lines
}
