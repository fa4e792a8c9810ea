package api

import (
	"bufio"
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/events"
)

// eventReset is the event that says that events were lost: the client lists its uploads.
const eventReset = "reset"

// maxPosition bounds a Last-Event-ID, in bytes.
const maxPosition = 8 << 10

// noFeed refuses a stream while Kafka cannot be read.
func noFeed(err error) error {
	return refuse(codeUnavailable, "The events cannot be followed at the moment; try again later. Uploads are accepted.").because(err)
}

// getFeed streams what happens to every upload of the tenant as server-sent events,
// from the client's last one on.
func (s *Server) getFeed(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	after := c.Get(HeaderLastEventID)
	if len(after) > maxPosition {
		return refuse(codeInvalidRequest, HeaderLastEventID+" is not one of this stream.")
	}
	if s.feed == nil {
		return refuse(codeUnavailable, "This server has no events of tenants. Those of single uploads are available.")
	}
	dismiss, err := s.hub.admit(t)
	if err != nil {
		return err
	}
	w := s.follow(c, t, after)
	if err := w.begin(); err != nil {
		w.end()
		dismiss()
		return err
	}
	setEventStream(c)
	c.Context().SetBodyStreamWriter(func(out *bufio.Writer) {
		defer dismiss()
		defer w.end()
		w.run(out)
	})
	return nil
}

// setEventStream sets the headers of a stream of server-sent events.
func setEventStream(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // otherwise nginx buffers the events
}

// feedStream is one stream of a tenant's events.
type feedStream struct {
	s *Server
	x *exchange
	// end ends the following.
	end context.CancelFunc
	// steps is closed after failure is set.
	steps   chan events.Followed
	failure error
	first   events.Followed
	done    <-chan struct{}
}

// follow follows the events of a tenant until the stream ends.
func (s *Server) follow(c *fiber.Ctx, t orak.Tenant, after string) *feedStream {
	ctx, end := context.WithCancel(c.UserContext())
	w := &feedStream{s: s, x: exchangeOf(c), end: end, steps: make(chan events.Followed), done: c.Context().Done()}
	caller := w.x.caller
	go func() {
		defer close(w.steps)
		w.failure = s.feed.Follow(ctx, t, after, s.cfg.Heartbeat, func(step events.Followed) error {
			if l := step.Lifecycle; l != nil && !caller.MayKnow(l.Upload.Owner) {
				step.Lifecycle = nil // only the position moves
			}
			select {
			case w.steps <- step:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return w
}

// begin waits for the first step, so that a failure has a status.
func (w *feedStream) begin() error {
	patience := time.NewTimer(w.s.cfg.StatusTimeout)
	defer patience.Stop()
	select {
	case step, ok := <-w.steps:
		if !ok {
			return noFeed(w.failure)
		}
		w.first = step
		return nil
	case <-patience.C:
		return noFeed(context.DeadlineExceeded)
	}
}

// run writes events until the following ends, the client has disconnected, its credential
// is no longer valid, or the server stops. A client reconnects after each of them.
func (w *feedStream) run(out *bufio.Writer) {
	// fasthttp runs this in its own goroutine: a panic would end the process.
	defer func() {
		if v := recover(); v != nil {
			w.x.log.ErrorContext(context.Background(), "an event stream panicked", "panic", v)
		}
	}()
	retry := reconnectMin + rand.N(reconnectMin)
	if !flush(out, []byte("retry: "+strconv.FormatInt(retry.Milliseconds(), 10)+"\n\n")) || !flush(out, followedText(w.first)) {
		return
	}
	checks := time.NewTicker(recheck)
	defer checks.Stop()
	for {
		select {
		case step, ok := <-w.steps:
			if !ok || !flush(out, followedText(step)) {
				return
			}
		case <-checks.C:
			if !w.s.mayGoOn(context.Background(), w.x) {
				return
			}
		case <-w.done:
			return
		case <-w.s.stopping:
			return
		}
	}
}

// followedText is the event of a step. Without an event, only its id moves the
// client's position, and no event is dispatched.
func followedText(f events.Followed) []byte {
	switch {
	case f.Lost:
		return eventText(eventReset, f.Position, []byte("{}"))
	case f.Lifecycle == nil:
		return []byte("id: " + f.Position + "\n\n")
	}
	data, err := json.Marshal(stateOf(f).resource())
	if err != nil { // plain structs
		panic(err)
	}
	return eventText(eventUpload, f.Position, data)
}

// stateOf is the state of an upload as of an event.
func stateOf(f events.Followed) state {
	l := f.Lifecycle
	st := state{Progress: orak.Progress{Upload: l.Upload, Status: l.Status, Stage: l.Stage, Cycle: l.Cycle, Failure: l.Failure, UpdatedAt: f.At.UTC()}}
	st.Upload.Filename = orak.CleanFilename(l.Upload.Filename)
	return st
}
