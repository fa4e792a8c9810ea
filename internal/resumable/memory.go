package resumable

import (
	"math/bits"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// minShare is the least memory of a request in bytes, and the size of its first buffer.
const minShare = 64 << 10

// memory divides a number of bytes between the running requests: a single one gets a
// whole part, and many get less each, so that their sum stays the same.
type memory struct {
	limit, part int64
	held        prometheus.Gauge
	pools       []sync.Pool // of *[]byte; each size is twice the one before

	mu      sync.Mutex
	running int64
}

func newMemory(limit, part int64, held prometheus.Gauge) *memory {
	m := &memory{limit: limit, part: part, held: held}
	m.pools = make([]sync.Pool, class(4*part)+1) // a gathered part may have more than one part's bytes
	return m
}

// class is the index of the smallest pool whose buffers have n bytes.
func class(n int64) int { return bits.Len64(uint64(max(n-1, 0) / minShare)) }

func (m *memory) begin() { m.mu.Lock(); defer m.mu.Unlock(); m.running++ }

func (m *memory) end() { m.mu.Lock(); defer m.mu.Unlock(); m.running-- }

// share is how many bytes a request may hold now.
func (m *memory) share() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return min(max(m.limit/max(m.running, 1), minShare), m.part)
}

func (m *memory) take(n int64) []byte {
	c := class(n)
	m.held.Add(float64(int64(minShare) << c))
	if buf, ok := m.pools[c].Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, int64(minShare)<<c)
}

// giveBack returns a buffer of take. Only with reuse does another request get it:
// after an error the HTTP client may still read it.
func (m *memory) giveBack(buf []byte, reuse bool) {
	m.held.Sub(float64(len(buf)))
	if reuse {
		m.pools[class(int64(len(buf)))].Put(&buf)
	}
}
