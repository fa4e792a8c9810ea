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

// Error is an answer that is not a success.
type Error struct {
	// Problem is the body. Status and Title are always set.
	Problem resource.Problem
	// RetryAfter is the wait that the server asks for; 0 if it asks for none.
	RetryAfter time.Duration
}

// Error returns title, status and detail.
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

// Error names the server and the cause.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("reaching %s: %v", e.Server, e.Err)
}

// Unwrap returns the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

var errNoAnswer = errors.New("no answer in time")

// unreachable returns the cause where the caller gave up, and otherwise an
// *Unreachable.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errNoAnswer) || errors.Is(cause, errStalled) {
			return &Unreachable{Server: c.base, Err: cause}
		}
		return cause
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return &Unreachable{Server: c.base, Refused: errors.Is(err, syscall.ECONNREFUSED), Err: err}
}

// readError decodes an answer that is not a success. It may be a proxy's, and
// have no problem as its body.
func readError(resp *http.Response) error {
	e := &Error{RetryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err == nil && (kind == "application/problem+json" || kind == "application/json") {
		// If it cannot be decoded, the fields are filled below.
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

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = time.Minute

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
}

// again reports whether the same request may succeed later.
func again(err error) bool {
	if refusal, ok := errors.AsType[*Error](err); ok {
		switch refusal.Problem.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var down *Unreachable
	return errors.As(err, &down)
}
