package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"orak/api/resource"
)

// Error is a refusal that the server explained.
type Error struct {
	// Problem is what it said; Status is always there, Title nearly so.
	Problem resource.Problem
	// RetryAfter is how long it asked to wait; zero where it did not.
	RetryAfter time.Duration
}

// Error has no more than the server said.
func (e *Error) Error() string {
	if e.Problem.Detail == "" {
		return fmt.Sprintf("%s (%d)", e.Problem.Title, e.Problem.Status)
	}
	return fmt.Sprintf("%s (%d): %s", e.Problem.Title, e.Problem.Status, e.Problem.Detail)
}

// Unreachable is a server that did not answer.
type Unreachable struct {
	Server string
	// Refused means that nothing listens there: no byte was sent.
	Refused bool
	Err     error
}

// Error names the server and the reason.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("reaching %s: %v", e.Server, e.Err)
}

// Unwrap gives the reason.
func (e *Unreachable) Unwrap() error { return e.Err }

var errNoAnswer = errors.New("no answer in time")

// unreachable tells a caller that gave up from a server that did not answer.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errNoAnswer) || errors.Is(cause, errStalled) {
			return &Unreachable{Server: c.base, Err: cause}
		}
		return cause
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &Unreachable{Server: c.base, Refused: errors.Is(err, syscall.ECONNREFUSED), Err: err}
}

// readError makes the best of an answer that is no success, even where
// something between here and the server gave it.
func readError(resp *http.Response) error {
	e := &Error{RetryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err == nil && (kind == "application/problem+json" || kind == "application/json") {
		// What cannot be decoded leaves the fields empty, which the lines
		// below fill.
		_ = json.Unmarshal(text, &e.Problem)
	}
	e.Problem.Status = resp.StatusCode
	if e.Problem.Title == "" {
		e.Problem.Title = http.StatusText(resp.StatusCode)
	}
	if e.Problem.Title == "" {
		e.Problem.Title = "Unexpected answer"
	}
	return e
}

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Minute)
}

// again reports whether the same request may succeed a little later.
func again(err error) bool {
	var refusal *Error
	if errors.As(err, &refusal) {
		switch refusal.Problem.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var down *Unreachable
	return errors.As(err, &down)
}
