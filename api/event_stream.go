package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
)

// HeaderLastEventID is sent by an EventSource that reconnects: the id of the last
// event that it received.
const HeaderLastEventID = "Last-Event-ID"

// The names of the events of a stream. The stream ends after eventEnd: a client
// closes its EventSource then, or reconnects and is answered 204, which stops an
// EventSource.
const (
	eventUpload = "upload"
	eventEnd    = "end"
)

// reconnectMin is the shortest wait of a client before it reconnects; the longest is
// twice that, so that clients do not all reconnect at once after a restart.
const reconnectMin = 2 * time.Second

// getEvents streams the changes of an upload as server-sent events. Each event is the
// whole upload, so that the latest event replaces missed ones.
func (s *Server) getEvents(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	id, err := idOf(c)
	if err != nil {
		return err
	}
	dismiss, err := s.hub.admit(t)
	if err != nil {
		return err
	}
	tp, err := s.hub.join(c.UserContext(), topicKey{t, id})
	if err != nil {
		dismiss()
		return err
	}
	leave := func() { tp.leave(); dismiss() }
	st, _, _ := tp.now()
	if !exchangeOf(c).caller.MayKnow(st.Upload.Owner) {
		leave()
		return errUnknown
	}
	seen := c.Get(HeaderLastEventID)
	if st.ended() && seen == eventID(st) {
		leave()
		return c.SendStatus(fiber.StatusNoContent)
	}
	setEventStream(c)
	w := &eventStream{s: s, x: exchangeOf(c), topic: tp, seen: seen, done: c.Context().Done()}
	c.Context().SetBodyStreamWriter(func(out *bufio.Writer) {
		defer leave()
		w.run(out)
	})
	return nil
}

// eventStream is one event stream.
type eventStream struct {
	s     *Server
	x     *exchange
	topic *topic
	// seen is the id of the last event that the client received.
	seen string
	done <-chan struct{}
}

// run writes events until the upload has ended, the client has disconnected, its
// credential is no longer valid, or the server stops. A disconnect shows only when a write fails, which the heartbeats
// ensure.
func (w *eventStream) run(out *bufio.Writer) {
	// fasthttp runs this in its own goroutine: a panic would end the process.
	defer func() {
		if v := recover(); v != nil {
			w.x.log.ErrorContext(context.Background(), "an event stream panicked", "panic", v)
		}
	}()
	retry := reconnectMin + rand.N(reconnectMin)
	if !flush(out, []byte("retry: "+strconv.FormatInt(retry.Milliseconds(), 10)+"\n\n")) {
		return
	}
	beat := time.NewTicker(w.s.cfg.Heartbeat)
	defer beat.Stop()
	checks := time.NewTicker(recheck)
	defer checks.Stop()
	for {
		st, changed, _ := w.topic.now()
		if !w.send(out, st) || st.ended() || !w.wait(out, changed, beat.C, checks.C) {
			return
		}
	}
}

// wait returns true once the upload has changed, and false if the stream is over.
func (w *eventStream) wait(out *bufio.Writer, changed <-chan struct{}, beat, checks <-chan time.Time) bool {
	for {
		select {
		case <-w.done:
			return false
		case <-w.s.stopping:
			return false
		case <-changed:
			return true
		case <-checks:
			if !w.s.mayGoOn(context.Background(), w.x) {
				return false
			}
		case <-beat:
			if !flush(out, []byte(": heartbeat\n\n")) {
				return false
			}
		}
	}
}

// send writes st unless the client has it already. The last state is sent twice: as
// eventUpload and as eventEnd.
func (w *eventStream) send(out *bufio.Writer, st state) bool {
	id := eventID(st)
	if id == w.seen {
		return true
	}
	w.seen = id
	data := eventData(st)
	text := eventText(eventUpload, id, data)
	if st.ended() {
		text = append(text, eventText(eventEnd, id, data)...)
	}
	return flush(out, text)
}

func eventText(name, id string, data []byte) []byte {
	return fmt.Appendf(nil, "event: %s\nid: %s\ndata: %s\n\n", name, id, data)
}

// eventData is the data of the event of st.
func eventData(st state) []byte {
	data, err := json.Marshal(st.resource())
	if err != nil { // plain structs
		panic(err)
	}
	return data
}

// eventID is a hash of the event's data, so that every replica, also after a
// restart, recognizes what a client has received.
func eventID(st state) string {
	sum := sha256.Sum256(eventData(st))
	return hex.EncodeToString(sum[:8])
}

// sameEvent reports whether a and b make the same event.
func sameEvent(a, b state) bool { return bytes.Equal(eventData(a), eventData(b)) }

func flush(out *bufio.Writer, text []byte) bool {
	if _, err := out.Write(text); err != nil {
		return false
	}
	return out.Flush() == nil
}
