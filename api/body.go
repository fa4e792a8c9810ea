package api

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// How a body can fail its reader. Only io.EOF means that it is complete.
var (
	errCutOff   = errors.New("the body ended before its end")
	errStalled  = errors.New("the body stalled")
	errDigest   = errors.New("the body does not match its Content-Digest")
	errTooLarge = errors.New("the body is too large")
	errOver     = errors.New("the request is over")
	errSlow     = errors.New("the body came too slowly to keep its place")
	errUnsent   = errors.New("the client waits for 100 Continue")
)

// body is a request's body as it comes in. It promises that
//   - io.EOF is given only for a complete body: as long as its Content-Length
//     said, and matching the digest if one was asked for;
//   - every end is final: fasthttp would block, or begin to read the next
//     request, if a chunked body were read past its end;
//   - a client may be slow, but not silent for longer than idle;
//   - nothing is read once the request is over: fasthttp reuses the stream.
type body struct {
	mu   sync.Mutex
	src  io.Reader
	conn net.Conn
	idle time.Duration
	// length is the Content-Length, -1 for a chunked body.
	length int64
	limit  int64
	read   int64
	end    error

	sum    hash.Hash
	digest []byte

	pace pace
	// evicted is set by another goroutine, and ends the body with errSlow.
	evicted atomic.Bool
	// late is the request's deadline, which does not count the waiting for its
	// client; nil where there is none.
	late *deadline

	// unsent means that the client waits for 100 Continue, and asked that the
	// handler wanted to read; see Server.expect.
	unsent, asked bool
}

// noLimit is the limit of a body whose reader bounds it.
const noLimit = int64(^uint64(0) >> 1)

func newBody(ctx *fasthttp.RequestCtx, idle time.Duration) *body {
	b := &body{conn: ctx.Conn(), idle: idle, limit: noLimit}
	b.length = max(int64(ctx.Request.Header.ContentLength()), -1)
	switch stream := ctx.RequestBodyStream(); {
	case stream != nil:
		b.src = stream
	default:
		held := ctx.Request.Body()
		b.src, b.length = bytes.NewReader(held), int64(len(held))
	}
	return b
}

// newUnsentBody is the body of a client that waits for 100 Continue.
func newUnsentBody(ctx *fasthttp.RequestCtx) *body {
	return &body{
		conn: ctx.Conn(), src: bytes.NewReader(nil), limit: noLimit, unsent: true,
		length: max(int64(ctx.Request.Header.ContentLength()), -1),
	}
}

// awaited reports whether the handler runs before the body was sent, and has
// asked for it: whatever it answers then is not sent.
func (b *body) awaited() bool { return b.asked }

// expectDigest has the body's SHA-256 checked before its end is believed. It
// must be called before the first Read.
func (b *body) expectDigest(want []byte) { b.sum, b.digest = sha256.New(), want }

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		return 0, b.end
	}
	if len(p) == 0 {
		return 0, nil
	}
	if b.unsent {
		b.asked, b.end = true, errUnsent
		return 0, b.end
	}
	if err := b.conn.SetReadDeadline(time.Now().Add(b.idle)); err != nil {
		b.end = errCutOff
		return 0, b.end
	}
	if b.evicted.Load() { // asked after the deadline is set: evict moves it
		b.end = errSlow
		return 0, b.end
	}
	if b.late != nil {
		b.late.pause()
		defer b.late.resume()
	}
	b.pace.begin()
	n, err := b.src.Read(p)
	b.pace.end(n)
	b.read += int64(n)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	b.end = b.judge(err)
	if n > 0 {
		return n, nil // the next Read tells the end
	}
	return 0, b.end
}

// judge says what an error of the stream means.
func (b *body) judge(err error) error {
	var netErr net.Error
	switch {
	case b.read > b.limit:
		return errTooLarge
	case err == nil && b.length >= 0 && b.read >= b.length, err == io.EOF:
		return b.complete()
	case err == nil:
		return nil
	case b.evicted.Load():
		return errSlow
	case errors.As(err, &netErr) && netErr.Timeout():
		return errStalled
	default:
		return fmt.Errorf("%w: %w", errCutOff, err)
	}
}

func (b *body) complete() error {
	if b.length >= 0 && b.read != b.length {
		return errCutOff
	}
	if b.sum != nil && !bytes.Equal(b.sum.Sum(nil), b.digest) {
		return errDigest
	}
	return io.EOF
}

// evict ends the reading, a Read that waits included: the place is needed.
func (b *body) evict() {
	b.evicted.Store(true)
	// A connection that is gone ends the Read as well.
	_ = b.conn.SetReadDeadline(time.Now())
}

// finish ends the reading for good, and reports whether the whole body was
// read, so that the connection can be used again.
func (b *body) finish() (whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end := b.end
	b.end = errOver
	return end == io.EOF || end == errDigest || (end == nil && b.length == 0)
}
