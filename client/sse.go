package client

import (
	"bufio"
	"bytes"
	"io"
	"iter"
)

// maxEvent bounds one line of a stream, in bytes.
const maxEvent = 1 << 20

// events yields the data of each server-sent event. It calls alive for every
// line, heartbeats included. An event that the end of the stream cuts off is
// dropped, as the standard says.
func events(r io.Reader, alive func()) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 4096), maxEvent)
		var data []byte
		for lines.Scan() {
			alive()
			line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
			if len(line) == 0 {
				if len(data) > 0 && !yield(bytes.TrimSuffix(data, []byte("\n")), nil) {
					return
				}
				data = nil
				continue
			}
			field, value, _ := bytes.Cut(line, []byte(":"))
			if string(field) != "data" {
				continue
			}
			data = append(append(data, bytes.TrimPrefix(value, []byte(" "))...), '\n')
		}
		if err := lines.Err(); err != nil {
			yield(nil, err)
		}
	}
}
