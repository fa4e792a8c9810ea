package api

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
)

// HeaderLastEventID is sent by an EventSource that comes back: the id of the
// last event that it has.
const HeaderLastEventID = "Last-Event-ID"

// The names of the events of a stream. The last one is followed by the end of
// the stream: a client closes its EventSource at it, or is answered 204 when it
// comes back, at which an EventSource gives up.
const (
	eventUpload = "upload"
	eventEnd    = "end"
)

// A client comes back after reconnectMin to twice that: not all at once after
// a restart.
const reconnectMin = 2 * time.Second

// getEvents streams an upload's changes as server-sent events. An event is the
// upload as it stands, so that the latest one replaces those that were missed.
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
	seen := c.Get(HeaderLastEventID)
	if st.ended() && seen == eventID(st) {
		leave()
		return c.SendStatus(fiber.StatusNoContent)
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // or nginx would hold the events back
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
	// seen is the id of the last event that the client has.
	seen string
	done <-chan struct{}
}

// run writes until the upload is at an end, the client is gone, or the server
// stops. That a client is gone is seen only when something cannot be written:
// the heartbeat is what finds it out.
func (w *eventStream) run(out *bufio.Writer) {
	// This is a goroutine of fasthttp's: a panic would end the process.
	defer func() {
		if v := recover(); v != nil {
			w.x.log.Error("an event stream broke", slog.Any("panic", v))
		}
	}()
	retry := reconnectMin + rand.N(reconnectMin)
	if !w.flush(out, []byte("retry: "+strconv.FormatInt(retry.Milliseconds(), 10)+"\n\n")) {
		return
	}
	beat := time.NewTicker(w.s.cfg.Heartbeat)
	defer beat.Stop()
	for {
		st, changed, _ := w.topic.now()
		if !w.send(out, st) || st.ended() || !w.wait(out, changed, beat.C) {
			return
		}
	}
}

// wait returns once something has changed; false says that the stream is over.
func (w *eventStream) wait(out *bufio.Writer, changed <-chan struct{}, beat <-chan time.Time) bool {
	for {
		select {
		case <-w.done:
			return false
		case <-w.s.stopping:
			return false
		case <-changed:
			return true
		case <-beat:
			if !w.flush(out, []byte(": heartbeat\n\n")) {
				return false
			}
		}
	}
}

// send writes st unless the client has it already. At the end it comes twice:
// as what it is, and as the end.
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
	return w.flush(out, text)
}

func eventText(name, id string, data []byte) []byte {
	return fmt.Appendf(nil, "event: %s\nid: %s\ndata: %s\n\n", name, id, data)
}

// eventData is st as it stands in an event.
func eventData(st state) []byte {
	data, err := json.Marshal(st.resource())
	if err != nil { // plain structs
		panic(err)
	}
	return data
}

// eventID follows from what the event says, so that every replica, and the
// same one after a restart, tells what a client has seen.
func eventID(st state) string {
	sum := sha256.Sum256(eventData(st))
	return hex.EncodeToString(sum[:8])
}

// sameEvent reports whether a and b look the same to a client.
func sameEvent(a, b state) bool { return bytes.Equal(eventData(a), eventData(b)) }

func (w *eventStream) flush(out *bufio.Writer, text []byte) bool {
	if _, err := out.Write(text); err != nil {
		return false
	}
	return out.Flush() == nil
}
