package objectstore

import (
	"io"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// smallPart and largePart are the sizes in bytes of the first and second buffer of
// a body; the third has the size of a whole part.
const (
	smallPart = 64 << 10
	largePart = 512 << 10
)

// buffers pools the memory for bodies, in three sizes.
type buffers struct {
	sizes []int
	pools []sync.Pool
	held  prometheus.Gauge
}

func newBuffers(partSize int, held prometheus.Gauge) *buffers {
	b := &buffers{sizes: []int{smallPart, largePart, partSize}, held: held}
	b.pools = make([]sync.Pool, len(b.sizes))
	for i, size := range b.sizes {
		b.pools[i].New = func() any { buf := make([]byte, size); return &buf }
	}
	return b
}

func (b *buffers) take() *part {
	p := &part{all: b}
	p.hold(0)
	return p
}

// part holds what was read of a body and is not sent yet. Its memory grows with
// what has arrived, so that a slow body holds little.
type part struct {
	all  *buffers
	size int // an index of all.sizes
	buf  *[]byte
	n    int
}

func (p *part) hold(size int) {
	p.size, p.buf = size, p.all.pools[size].Get().(*[]byte)
	p.all.held.Add(float64(len(*p.buf)))
}

// release gives the memory back. Only with reuse does it return to the pool: after
// an error the HTTP client may still read it.
func (p *part) release(reuse bool) {
	p.all.held.Sub(float64(len(*p.buf)))
	if reuse {
		p.all.pools[p.size].Put(p.buf)
	}
}

// bytes returns what was read.
func (p *part) bytes() []byte { return (*p.buf)[:p.n] }

// empty discards what was read and starts with a small buffer again.
func (p *part) empty() {
	p.release(true)
	p.n = 0
	p.hold(0)
}

// fill reads body until the part is full or the body ends; last reports the end.
func (p *part) fill(body io.Reader) (held []byte, last bool, err error) {
	for {
		m, err := io.ReadFull(body, (*p.buf)[p.n:])
		p.n += m
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF: // the end of the body
			return p.bytes(), true, nil
		case err != nil:
			return nil, false, err
		case p.size == len(p.all.sizes)-1:
			return p.bytes(), false, nil
		}
		p.grow()
	}
}

func (p *part) grow() {
	old := *p
	p.hold(p.size + 1)
	copy(*p.buf, old.bytes())
	old.release(true)
}
