package objectstore

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// guard stands between a caller's body and minio-go. It promises that
//   - the last byte is handed on only once src has ended with io.EOF, so that
//     a body that ends otherwise is never complete on the server;
//   - an end stays an end: src is not read again after io.EOF (a server's
//     request stream would block) or after an error;
//   - minio-go never meets io.ErrUnexpectedEOF, which it takes for an end,
//     but errBody; the true error is in err;
//   - a body of another length than size is an error (size -1: any length);
//   - once close has returned src is not read any more, although the HTTP
//     client may go on reading a request's body after it has failed.
type guard struct {
	mu   sync.Mutex
	src  io.Reader
	size int64
	read int64
	// held is the byte kept back; it is valid where holding is true.
	held    byte
	holding bool
	// end is what src ended with; nil while it has not.
	end error
	err error
}

var (
	// errBody is what minio-go sees in place of the body's own error.
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

// close ends the reading for good and gives the body's own error, if it was
// that which ended it. It waits for a Read that is under way.
func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.end == nil {
		g.end = errClosed
	}
	return g.err
}

// fill reads into p the byte held back and what follows, and holds back the
// last byte of it.
func (g *guard) fill(p []byte) int {
	n := 0
	if g.holding {
		p[0], n, g.holding = g.held, 1, false
	}
	var m int
	if n < len(p) {
		m = g.pull(p[n:])
	} else {
		// No room beside the held byte: learn what follows it first.
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

// pull reads src once and keeps the count and the end.
func (g *guard) pull(p []byte) int {
	n, err := g.src.Read(p)
	g.read += int64(n)
	switch {
	case g.size >= 0 && g.read > g.size:
		n -= int(g.read - g.size) // a server must not see a whole body
		g.end = fmt.Errorf("%w: more than %d bytes", ErrBodySize, g.size)
	case err == io.EOF && g.size >= 0 && g.read < g.size:
		g.end = fmt.Errorf("%w: %d of %d bytes", ErrBodySize, g.read, g.size)
	case err != nil:
		g.end = err
	}
	return n
}

// finish hands on the byte held back if src ended well.
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
