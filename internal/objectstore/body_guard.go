package objectstore

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// guard wraps a caller's body for minio-go. It promises:
//   - The last byte is passed on only after src has ended with io.EOF, so that a
//     body that ends otherwise is never complete on the server.
//   - src is not read again after io.EOF (a server's request stream would block)
//     or after an error.
//   - minio-go never sees io.ErrUnexpectedEOF, which it takes for the end of the
//     body, but errBody; the original error is in err.
//   - A body of another length than size is an error (size -1: any length).
//   - src is not read after close has returned, although the HTTP client may go
//     on reading a request's body after the request has failed.
type guard struct {
	mu   sync.Mutex
	src  io.Reader
	size int64
	read int64
	// held is the withheld byte; it is valid if holding is true.
	held    byte
	holding bool
	// end is the error that src ended with, io.EOF included; nil before.
	end error
	err error
}

var (
	// errBody replaces the body's own error for minio-go.
	errBody   = errors.New("the body failed")
	errClosed = errors.New("the put is over")
)

func newGuard(src io.Reader, size int64) *guard { return &guard{src: src, size: size} }

// Read implements io.Reader.
func (g *guard) Read(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for g.end == nil {
		if n := g.fill(p); n > 0 {
			return n, nil
		}
	}
	return g.finish(p)
}

// close ends all reading and returns the body's own error, if that ended it. It
// waits for a running Read.
func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.end == nil {
		g.end = errClosed
	}
	return g.err
}

// fill reads the withheld byte and what follows into p, and withholds the last
// byte of that.
func (g *guard) fill(p []byte) int {
	n := 0
	if g.holding {
		p[0], n, g.holding = g.held, 1, false
	}
	var m int
	if n < len(p) {
		m = g.pull(p[n:])
	} else {
		// p has room for the withheld byte only: read what follows it first.
		var next [1]byte
		if m = g.pull(next[:]); m == 0 {
			g.held, g.holding = p[0], true
			return 0
		}
		g.held, g.holding = next[0], true
		return n
	}
	n += m
	if n > 0 {
		n--
		g.held, g.holding = p[n], true
	}
	return n
}

// pull reads src once and records the count and the end.
func (g *guard) pull(p []byte) int {
	n, err := g.src.Read(p)
	g.read += int64(n)
	switch {
	case g.size >= 0 && g.read > g.size:
		n -= int(g.read - g.size) // the server must not receive a whole body
		g.end = fmt.Errorf("%w: more than %d bytes", ErrBodySize, g.size)
	case err == io.EOF && g.size >= 0 && g.read < g.size:
		g.end = fmt.Errorf("%w: %d of %d bytes", ErrBodySize, g.read, g.size)
	case err != nil:
		g.end = err
	}
	return n
}

// finish passes the withheld byte on if src ended with io.EOF.
func (g *guard) finish(p []byte) (int, error) {
	if g.end != io.EOF {
		g.err = g.end
		return 0, errBody
	}
	if !g.holding {
		return 0, io.EOF
	}
	p[0], g.holding = g.held, false
	return 1, nil
}
