package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"orak"
	"orak/api/resource"
)

const (
	// silence is how long a stream of events may be silent: the server sends a
	// heartbeat every 15 s.
	silence = 45 * time.Second
	// pollEvery is the interval of polling where there are no events.
	pollEvery = time.Second
	// maxWait is the longest wait before an unreachable server is tried again.
	maxWait = 5 * time.Second
	// freshFor is how long an upload may be unknown after it was accepted, since
	// the status may lag behind.
	freshFor = 10 * time.Second
)

// Watching are the callbacks of Watch. Each may be nil.
type Watching struct {
	// Changed gets the upload at first and after every change.
	Changed func(resource.Upload)
	// Lost is called when the server cannot be reached, with the wait before
	// the next attempt.
	Lost func(err error, wait time.Duration)
	// Found is called when the server answers again.
	Found func()
}

// Over reports whether u will not change by itself any more: it is final,
// halted, or parked until an operator decides.
func Over(u resource.Upload) bool {
	return u.Status.Final() || u.Status == orak.StatusDeadLettered || u.Halted
}

// Watch follows an upload until it is Over and returns its last state. While
// the server cannot be reached it goes on trying; it returns early only when
// ctx ends or the server refuses the request.
func (c *Client) Watch(ctx context.Context, id orak.UploadID, w Watching) (resource.Upload, error) {
	f := &follower{c: c, id: id, w: w, since: time.Now()}
	for {
		f.progressed = false
		err := f.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return f.last, context.Cause(ctx)
		case Over(f.last):
			return f.last, nil
		case !f.retry(err):
			return f.last, err
		}
		if f.progressed {
			f.failures = 0
		}
		f.failures++
		wait := min(250*time.Millisecond<<min(f.failures-1, 6), maxWait)
		if err != nil {
			f.lose(err, wait)
		}
		if err := c.pause(ctx, wait); err != nil {
			return f.last, err
		}
	}
}

type follower struct {
	c    *Client
	id   orak.UploadID
	w    Watching
	last resource.Upload

	since      time.Time
	failures   int
	progressed bool
	lost       bool
	// polling is set once the server has refused a stream of events.
	polling bool
}

// retry reports whether to follow on after err; nil is a stream that ended
// early, as it does when the server restarts.
func (f *follower) retry(err error) bool {
	if err == nil || again(err) {
		return true
	}
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Problem.Status == http.StatusNotFound &&
		f.last.ID == "" && time.Since(f.since) < freshFor
}

func (f *follower) lose(err error, wait time.Duration) {
	f.lost = true
	if f.w.Lost != nil {
		f.w.Lost(err, wait)
	}
}

func (f *follower) saw(u resource.Upload) {
	f.progressed = true
	if f.lost && f.w.Found != nil {
		f.w.Found()
	}
	f.lost = false
	if same(f.last, u) {
		return
	}
	f.last = u
	if f.w.Changed != nil {
		f.w.Changed(u)
	}
}

func same(a, b resource.Upload) bool {
	if (a.StageProgress == nil) != (b.StageProgress == nil) ||
		a.StageProgress != nil && *a.StageProgress != *b.StageProgress {
		return false
	}
	return a.ID == b.ID && a.Status == b.Status && a.Halted == b.Halted && a.Stage == b.Stage && a.Attempt == b.Attempt &&
		a.UpdatedAt.Equal(b.UpdatedAt)
}

// follow returns when the upload is over, the stream ends or a request fails.
func (f *follower) follow(ctx context.Context) error {
	u, err := f.c.Upload(ctx, f.id)
	if err != nil {
		return err
	}
	f.saw(u)
	if Over(u) {
		return nil
	}
	if f.polling {
		return f.poll(ctx)
	}
	return f.stream(ctx)
}

func (f *follower) poll(ctx context.Context) error {
	for {
		if err := f.c.pause(ctx, pollEvery); err != nil {
			return err
		}
		u, err := f.c.Upload(ctx, f.id)
		if err != nil {
			return err
		}
		f.saw(u)
		if Over(u) {
			return nil
		}
	}
}

var errSilent = errors.New("the event stream is silent")

// untilSilent returns a context that ends with errSilent unless alive is called every so
// often. end releases it.
func untilSilent(ctx context.Context) (streaming context.Context, alive, end func()) {
	streaming, cancel := context.WithCancelCause(ctx)
	quiet := time.AfterFunc(silence, func() { cancel(errSilent) })
	return streaming, func() { quiet.Reset(silence) }, func() { quiet.Stop(); cancel(nil) }
}

func (f *follower) stream(ctx context.Context) error {
	streaming, alive, end := untilSilent(ctx)
	defer end()
	req, err := f.c.request(streaming, http.MethodGet, f.eventsPath(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := f.c.do(req)
	if refusal, ok := errors.AsType[*Error](err); ok &&
		refusal.Problem.Status != http.StatusBadGateway && refusal.Problem.Status != http.StatusGatewayTimeout {
		// There are no events, or too many streams.
		f.polling = true
		return f.poll(ctx)
	}
	if err != nil {
		return f.c.streamError(streaming, err)
	}
	defer resp.Body.Close()
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		f.polling = true
		return f.poll(ctx)
	}
	return f.c.streamError(streaming, f.read(resp, alive))
}

func (f *follower) read(resp *http.Response, alive func()) error {
	for m, err := range events(resp.Body, alive) {
		if err != nil {
			return &Unreachable{Server: f.c.base, Err: err}
		}
		if len(m.data) == 0 {
			continue
		}
		var u resource.Upload
		if err := json.Unmarshal(m.data, &u); err != nil {
			return fmt.Errorf("decoding an event of %s: %w", f.c.base, err)
		}
		if u.ID != f.id {
			continue
		}
		f.saw(u)
		if Over(u) {
			return nil
		}
	}
	return nil
}

// streamError returns an *Unreachable, which is tried again, for a silent
// stream: silence cancels the context of the stream only.
func (c *Client) streamError(streaming context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(streaming), errSilent) {
		return &Unreachable{Server: c.base, Err: errSilent}
	}
	return err
}

// eventsPath returns the link in the last status if it is a path.
func (f *follower) eventsPath() string {
	if link := f.last.Links.Events; len(link) > 1 && link[0] == '/' && link[1] != '/' {
		return link
	}
	return uploadPath(f.id) + "/events"
}
