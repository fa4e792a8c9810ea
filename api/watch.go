package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak/workflows"
)

// slowAfter is when a stream begins to look less often.
const slowAfter = time.Minute

// slower is how much less often.
const slower = 4

// getEvents streams an upload's changes as server-sent events.
func (s *Server) getEvents(c *fiber.Ctx) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	if s.watching.Add(1) > int64(s.cfg.MaxWatchers) {
		s.watching.Add(-1)
		return refuse(codeUnavailable, "Too many event streams are open; ask for the upload itself, or try again a little later.")
	}
	s.metrics.watchers.Inc()
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // or nginx would hold the events back
	w := &watch{s: s, x: exchangeOf(c), last: st, conn: c.Context().Conn(), done: c.Context().Done(), began: time.Now()}
	ctx := c.UserContext() // c itself is another request's when this runs
	c.Context().SetBodyStreamWriter(func(out *bufio.Writer) {
		defer s.watching.Add(-1)
		defer s.metrics.watchers.Dec()
		w.run(ctx, out)
	})
	return nil
}

// watch is one event stream.
type watch struct {
	s     *Server
	x     *exchange
	last  state
	conn  net.Conn
	done  <-chan struct{}
	began time.Time
	sent  []byte
}

// run writes until the upload is at an end, the client is gone, or the server
// stops. That a client is gone is seen only when something cannot be written:
// the heartbeat is what finds it out.
func (w *watch) run(ctx context.Context, out *bufio.Writer) {
	// This is a goroutine of fasthttp's: a panic would end the process.
	defer func() {
		if v := recover(); v != nil {
			w.x.log.Error("an event stream broke", slog.Any("panic", v))
		}
	}()
	if !w.send(out, w.last) || w.last.ended() {
		return
	}
	tick, beat := time.NewTimer(w.interval()), time.NewTicker(w.s.cfg.Heartbeat)
	defer tick.Stop()
	defer beat.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-w.s.stopping:
			return
		case <-beat.C:
			if !w.flush(out, []byte(": heartbeat\n\n")) {
				return
			}
		case <-tick.C:
			if !w.look(ctx, out) {
				return
			}
			tick.Reset(w.interval())
		}
	}
}

func (w *watch) interval() time.Duration {
	if time.Since(w.began) > slowAfter {
		return slower * w.s.cfg.WatchInterval
	}
	return w.s.cfg.WatchInterval
}

// look sends what has changed, and reports whether to go on.
func (w *watch) look(ctx context.Context, out *bufio.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, w.s.cfg.StatusTimeout)
	defer cancel()
	st, err := w.s.lookup(ctx, w.last.Upload.Tenant, w.last.Upload.ID)
	if r := (*refusal)(nil); errors.As(err, &r) && r.code == codeErased {
		last := w.last
		w.send(out, state{Progress: workflows.ErasedProgress(last.Upload.Tenant, last.Upload.ID, time.Now().UTC())})
		return false
	}
	if err != nil {
		// The stream outlives an outage; the client hears heartbeats.
		w.x.log.Debug("an event stream could not look", slog.Any("error", err))
		return true
	}
	return w.send(out, st) && !st.ended()
}

// send writes st unless the client has it already.
func (w *watch) send(out *bufio.Writer, st state) bool {
	data, err := json.Marshal(st.resource())
	if err != nil { // plain structs
		w.x.log.Error("an event could not be encoded", slog.Any("error", err))
		return false
	}
	if bytes.Equal(data, w.sent) {
		return true
	}
	w.sent = data
	return w.flush(out, append(append([]byte("event: upload\ndata: "), data...), "\n\n"...))
}

func (w *watch) flush(out *bufio.Writer, text []byte) bool {
	if w.conn.SetWriteDeadline(time.Now().Add(w.s.cfg.BodyTimeout)) != nil {
		return false
	}
	if _, err := out.Write(text); err != nil {
		return false
	}
	return out.Flush() == nil
}
