package api

import (
	"context"
	"io"

	"orak/internal/outbox"
)

// marking is the writing of an upload's marker while its body arrives.
type marking struct {
	done chan struct{}
	err  error // valid once done is closed
}

// mark begins to write the marker m.
func (s *Server) mark(ctx context.Context, m outbox.Marker) *marking {
	w := &marking{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		ctx, end := s.step(ctx, "write marker")
		w.err = s.announcer.box.Write(ctx, m)
		end(w.err)
	}()
	return w
}

// wait returns once the marker is written, or why it is not. The context of mark
// bounds it.
func (w *marking) wait() error {
	<-w.done
	return w.err
}

// failed returns why the marker could not be written; nil while it is being written.
func (w *marking) failed() error {
	select {
	case <-w.done:
		return w.err
	default:
		return nil
	}
}

// markedBody is a body whose marker is being written. It fails at the next read once
// the marker has failed, so that a client does not send in vain.
type markedBody struct {
	src    io.Reader
	marker *marking
	// received is called with the error or io.EOF that src ends with.
	received func(error)
}

// Read implements io.Reader.
func (b *markedBody) Read(p []byte) (int, error) {
	if err := b.marker.failed(); err != nil {
		return 0, err
	}
	n, err := b.src.Read(p)
	if err == nil {
		return n, nil
	}
	b.received(err)
	return n, err
}
