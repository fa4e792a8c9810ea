package client

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

const (
	// maxEvent bounds one line of a stream, in bytes.
	maxEvent = 1 << 20
	// maxEventID bounds an id, in bytes; it is sent back in a header.
	maxEventID = 8 << 10
)

// message is what a stream sent up to an empty line.
type message struct {
	// name is that of the event. Its default, "message" in the standard, is "".
	name string
	// id is "" without one: the one before it still holds.
	id string
	// data is nil where no event is dispatched: the id may have changed.
	data []byte
	// retry is the wait before the stream is opened again; 0 if there is none.
	retry time.Duration
}

// events yields the messages of a stream of server-sent events. It calls alive for
// every line, heartbeats included. A message that the end of the stream cuts off is
// dropped, as the standard says.
func events(r io.Reader, alive func()) iter.Seq2[message, error] {
	return func(yield func(message, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 4096), maxEvent)
		var m message
		for lines.Scan() {
			alive()
			line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
			if len(line) > 0 {
				m.add(line)
				continue
			}
			m.data = bytes.TrimSuffix(m.data, []byte("\n"))
			if (len(m.data) > 0 || m.id != "" || m.retry > 0) && !yield(m, nil) {
				return
			}
			m = message{}
		}
		if err := lines.Err(); err != nil {
			yield(message{}, err)
		}
	}
}

func (m *message) add(line []byte) {
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "data":
		m.data = append(append(m.data, value...), '\n')
	case "event":
		m.name = string(value)
	case "id":
		if id := string(value); isEventID(id) {
			m.id = id
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			m.retry = time.Duration(ms) * time.Millisecond
		}
	}
}

// isEventID reports whether text can be sent back in a header.
func isEventID(text string) bool {
	return len(text) <= maxEventID && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
