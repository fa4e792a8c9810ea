package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"orak/api/resource"
)

// Following are the callbacks of Follow. Each may be nil.
type Following struct {
	// Changed gets an upload as of a change, and the id of the event. It may get a
	// change twice; those of one upload come in order.
	Changed func(u resource.Upload, event string)
	// Reset is called when events were lost: only a list of the uploads has what
	// happened meanwhile. It gets the id of the event.
	Reset func(event string)
	// Lost is called when the stream breaks, with the wait before the next attempt.
	// err is nil where the server ended it, as it does when it restarts.
	Lost func(err error, wait time.Duration)
	// Found is called when the stream is there again.
	Found func()
}

// ErrEventID is returned by Follow for an id that no event has.
var ErrEventID = errors.New("this is no id of an event")

// Follow follows all uploads of the tenant, from now on, or behind the event with the
// id after if that is not empty. It opens a broken stream again and misses nothing, or
// calls Reset. It returns the id of the last event, and ends when ctx ends, when the
// server refuses the request, or when the stream cannot be opened the first time.
func (c *Client) Follow(ctx context.Context, after string, f Following) (last string, err error) {
	if !isEventID(after) {
		return after, ErrEventID
	}
	s := &tenantStream{c: c, f: f, last: after}
	for failures := 0; ; {
		s.open = false
		err := s.run(ctx)
		switch {
		case ctx.Err() != nil:
			return s.last, context.Cause(ctx)
		case err != nil && (!s.known || !again(err)):
			return s.last, err
		case s.open:
			failures = 0
		}
		wait := max(min(250*time.Millisecond<<min(failures, 6), maxWait), min(s.retry, maxWait), waitOf(err))
		failures++
		s.lost = true
		if f.Lost != nil {
			f.Lost(err, wait)
		}
		if err := c.pause(ctx, wait); err != nil {
			return s.last, err
		}
	}
}

// tenantStream is a stream of a tenant's events over its connections.
type tenantStream struct {
	c    *Client
	f    Following
	last string
	// retry is the wait that the server asks for.
	retry time.Duration
	// open is set once this connection is a stream, known once any was.
	open, known, lost bool
}

// run returns when the stream ends, which is no error, or fails.
func (s *tenantStream) run(ctx context.Context) error {
	streaming, alive, end := untilSilent(ctx)
	defer end()
	req, err := s.c.request(streaming, http.MethodGet, "/v1/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream, application/problem+json")
	if s.last != "" {
		req.Header.Set("Last-Event-ID", s.last)
	}
	resp, err := s.c.do(req)
	if err != nil {
		return s.c.streamError(streaming, err)
	}
	defer resp.Body.Close()
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		return fmt.Errorf("%s answers without events: is it orak?", s.c.base)
	}
	s.open, s.known = true, true
	if s.lost && s.f.Found != nil {
		s.f.Found()
	}
	s.lost = false
	return s.c.streamError(streaming, s.read(resp, alive))
}

func (s *tenantStream) read(resp *http.Response, alive func()) error {
	for m, err := range events(resp.Body, alive) {
		if err != nil {
			return &Unreachable{Server: s.c.base, Err: err}
		}
		if m.retry > 0 {
			s.retry = m.retry
		}
		if err := s.pass(m); err != nil {
			return err
		}
		if m.id != "" {
			s.last = m.id
		}
	}
	return nil
}

func (s *tenantStream) pass(m message) error {
	switch {
	case len(m.data) == 0:
	case m.name == "reset":
		if s.f.Reset != nil {
			s.f.Reset(m.id)
		}
	case m.name == "upload":
		var u resource.Upload
		if err := json.Unmarshal(m.data, &u); err != nil {
			return fmt.Errorf("decoding an event of %s: %w", s.c.base, err)
		}
		if s.f.Changed != nil {
			s.f.Changed(u, m.id)
		}
	}
	return nil
}
