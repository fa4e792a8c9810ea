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

// The errors of a body. Only io.EOF means that it is complete.
var (
	errCutOff   = errors.New("the body was cut off")
	errStalled  = errors.New("the body stalled")
	errDigest   = errors.New("the body does not match its Content-Digest")
	errTooLarge = errors.New("the body is too large")
	errOver     = errors.New("the request is over")
	errSlow     = errors.New("the body arrived too slowly")
	errUnsent   = errors.New("the client waits for 100 Continue")
)

// body is the body of a request as it arrives. It promises:
//   - io.EOF is returned only for a complete body: one of the length in
//     Content-Length that matches the expected digest, if there is one.
//   - Every end is final: fasthttp would block, or read the next request, if a
//     chunked body were read past its end.
//   - A client may be slow, but not silent for longer than idle.
//   - Nothing is read after the request: fasthttp reuses the stream.
type body struct {
	mu   sync.Mutex
	src  io.Reader
	conn net.Conn
	idle time.Duration
	// length is the Content-Length; -1 means a chunked body.
	length int64
	limit  int64
	read   int64
	end    error

	sum    hash.Hash
	digest []byte

	pace pace
	// evicted is set by another goroutine and ends the body with errSlow.
	evicted atomic.Bool
	// late is the request's deadline, which does not count the wait for the
	// client; nil means none.
	late *deadline

	// unsent means that the client waits for 100 Continue, asked that the handler
	// tried to read; see Server.expect.
	unsent, asked bool
}

// noLimit is the limit of a body that its reader bounds.
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

// awaited reports whether the handler tried to read a body that the client has not
// sent yet. Its answer is discarded then.
func (b *body) awaited() bool { return b.asked }

// expectDigest requires the SHA-256 want of the whole body. It must be called before
// the first Read.
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
	if b.evicted.Load() { // checked after the deadline is set, because evict changes it
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
		return n, nil // the next Read returns the end
	}
	return 0, b.end
}

// judge translates an error of the stream.
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

// evict ends all reading, including a waiting Read, to make room for another upload.
func (b *body) evict() {
	b.evicted.Store(true)
	// An error means that the connection is closed, which ends the Read, too.
	_ = b.conn.SetReadDeadline(time.Now())
}

// finish ends all reading, and reports whether the whole body was read, so that the
// connection can be reused.
func (b *body) finish() (whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end := b.end
	b.end = errOver
	return end == io.EOF || end == errDigest || (end == nil && b.length == 0)
}
