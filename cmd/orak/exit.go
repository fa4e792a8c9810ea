package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"orak"
	"orak/internal/terminal"

	"orak/client"
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

// usageError is an error in the command line or the configuration, which the
// user must fix.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errNoResult is returned when a watched upload ended without a result, which
// has been printed.
var errNoResult = errors.New("the upload ended without a result")

// printedError is an error that has been printed already and still decides the exit code.
type printedError struct{ error }

func (e printedError) Unwrap() error { return e.error }

// unreachableError is an outage of Kafka or Temporal.
type unreachableError struct{ error }

func (e unreachableError) Unwrap() error { return e.error }

// Error names the server and the cause.
func (e unreachableError) Error() string {
	var fault *orak.Fault
	if !errors.As(e.error, &fault) || fault.Err == nil {
		return e.error.Error()
	}
	return strings.TrimSuffix(fault.Message, ".") + ": " + fault.Err.Error()
}

// asOutage makes an error of class dependency an unreachableError.
func (c *console) asOutage(ctx context.Context, err error) error {
	if fault, ok := errors.AsType[*orak.Fault](err); ctx.Err() == nil && ok && fault.Class == orak.ClassDependency {
		return unreachableError{err}
	}
	return err
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
	var usage usageError
	var down *client.Unreachable
	var serving serveError
	var outage unreachableError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &serving):
		return exitFailed
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &down), errors.As(err, &outage):
		return exitUnreachable
	case errors.Is(err, errNoResult):
		return exitNoResult
	case errors.Is(err, errGroupInError):
		return exitGroupError
	default:
		return exitFailed
	}
}

// lines returns the error and the next step as clean text.
func (c *console) lines(err error) []string {
	var usage usageError
	var down *client.Unreachable
	var refusal *client.Error
	switch {
	case errors.As(err, &refusal):
		return refusalLines(refusal)
	case errors.As(err, &down):
		return []string{fmt.Sprintf("%s does not answer (%s). Start it with \"go tool task up\", or name another one with --server or ORAK_SERVER.",
			terminal.Clean(down.Server), why(down))}
	case errors.As(err, &usage):
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
