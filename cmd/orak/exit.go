package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"orak/client"
)

// The exit codes; see the package's comment.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoResult    = 3
	exitUnreachable = 4
	exitGroupError  = 5
	exitInterrupted = 130
)

// usageError is a command line or a configuration that its giver must mend.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errNoResult ends a watch whose upload ended without a result; it has been
// explained already.
var errNoResult = errors.New("the upload ended without a result")

// said is an error that has been explained already and still decides the exit
// code.
type said struct{ error }

func (e said) Unwrap() error { return e.error }

// explain says once what went wrong and what to do, and gives the exit code.
func (c *console) explain(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var already said
	if err == nil || code == exitNoResult || code == exitInterrupted || errors.As(err, &already) {
		return code
	}
	var refusal *client.Error
	if c.json && errors.As(err, &refusal) {
		if err := jsonLine(c.err, refusal.Problem); err == nil {
			return code
		}
	}
	for i, line := range c.lines(err) {
		if i == 0 {
			line = paint(c.colorErr, red, "orak:") + " " + line
		}
		c.tell("%s", line)
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

// lines are the error and the next step, fit for a terminal.
func (c *console) lines(err error) []string {
	var usage usageError
	var down *client.Unreachable
	var refusal *client.Error
	switch {
	case errors.As(err, &refusal):
		return refusalLines(refusal)
	case errors.As(err, &down):
		return []string{fmt.Sprintf("%s does not answer (%s). Start it with \"go tool task up\", or name another with --server or ORAK_SERVER.",
			clean(down.Server), reason(down))}
	case errors.As(err, &usage):
		var lines []string
		for _, line := range strings.Split(err.Error(), "\n") {
			lines = append(lines, clean(line))
		}
		return append(lines, "See \"orak --help\", or --help behind a command.")
	default:
		return []string{clean(err.Error())}
	}
}

// reason is the cause of an outage in as few words as will do.
func reason(down *client.Unreachable) string {
	if down.Refused {
		return "connection refused"
	}
	return clean(down.Err.Error())
}

func refusalLines(e *client.Error) []string {
	lines := []string{fmt.Sprintf("%s (%d)", clean(e.Problem.Title), e.Problem.Status)}
	if e.Problem.Detail != "" {
		lines = append(lines, "  "+clean(e.Problem.Detail))
	}
	if len(e.Problem.Accepted) > 0 {
		lines = append(lines, "  Accepted: "+clean(strings.Join(e.Problem.Accepted, ", ")))
	}
	if e.Problem.Instance != "" && e.Problem.Status >= 500 {
		lines = append(lines, "  The server's log has more under "+clean(e.Problem.Instance)+".")
	}
	if e.Problem.Status == http.StatusTooManyRequests || e.Problem.Status == http.StatusServiceUnavailable {
		lines = append(lines, "  Nothing is wrong with the request: try again in a while.")
	}
	return lines
}
