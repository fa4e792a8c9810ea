package objectstore

import (
	"bytes"
	"io"
)

// withheld is a body in memory whose last byte is sent only once ready has returned
// nil: without it, the server has no whole request. It can be read again from its
// start, as a client does that repeats a request.
type withheld struct {
	body  *bytes.Reader
	ready func() error
	// fail ends the request, which a client would repeat otherwise, since it takes err,
	// which is that of ready, for one of the connection.
	fail func()
	err  error
}

// Read implements io.Reader.
func (w *withheld) Read(p []byte) (int, error) {
	switch left := w.body.Len(); {
	case w.err != nil:
		return 0, w.err
	case left > 1:
		p = p[:min(len(p), left-1)]
	case left == 1:
		if w.err = w.ready(); w.err != nil {
			w.fail()
			return 0, w.err
		}
	}
	return w.body.Read(p)
}

// Seek implements io.Seeker.
func (w *withheld) Seek(offset int64, whence int) (int64, error) { return w.body.Seek(offset, whence) }

var _ io.ReadSeeker = (*withheld)(nil)
