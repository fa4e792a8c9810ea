package nearest

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak"
)

// Set names the vectors that are compared with each other.
type Set struct {
	Tenant orak.Tenant
	Kind   orak.Kind
	// Name and Version are those of the embedding, and Dimensions how many values it has.
	Name, Version string
	Dimensions    int
}

// maxSets bounds the sets of a Cache, however small they are.
const maxSets = 10_000

// Cache keeps the sets that were used last in memory, within a number of bytes. It is
// safe for concurrent use; what a V refers to has locks of its own.
type Cache[V any] struct {
	limit int64
	gauge prometheus.Gauge

	mu   sync.Mutex
	sets *simplelru.LRU[Set, *cached[V]]
	held int64
}

type cached[V any] struct {
	value V
	bytes int64
}

// NewCache makes a Cache of at most limit bytes, and registers its gauge with reg,
// unless reg is nil.
func NewCache[V any](limit int64, reg prometheus.Registerer) *Cache[V] {
	c := &Cache[V]{limit: limit, gauge: promauto.With(reg).NewGauge(prometheus.GaugeOpts{
		Name: "orak_index_vector_cache_bytes", Help: "Memory of the vectors that are kept for searches.",
	})}
	sets, err := simplelru.NewLRU(maxSets, func(_ Set, gone *cached[V]) { c.held -= gone.bytes })
	if err != nil {
		panic(err) // of a size below 1
	}
	c.sets = sets
	return c
}

// Fits reports whether a set of n vectors may be kept.
func (c *Cache[V]) Fits(of Set, n int) bool { return Bytes(n, of.Dimensions) <= c.limit }

// Get returns a set, which is the last used then.
func (c *Cache[V]) Get(of Set) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.sets.Get(of)
	if !ok {
		return value, false
	}
	return found.value, true
}

// GetOrKeep returns a set, which is the last used then. If there is none, it keeps
// what create returns, as one of 0 bytes.
func (c *Cache[V]) GetOrKeep(of Set, create func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.sets.Get(of)
	if !ok {
		found = &cached[V]{value: create()}
		c.sets.Add(of, found)
	}
	return found.value
}

// Keep adds a set of that many bytes, in place of an earlier one. It is the last used;
// those that were used longest ago make room for it.
func (c *Cache[V]) Keep(of Set, value V, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets.Remove(of)
	c.sets.Add(of, &cached[V]{value: value, bytes: bytes})
	c.held += bytes
	c.evict()
}

// Resize notes that a set has that many bytes now, if it is kept. This does not use it.
func (c *Cache[V]) Resize(of Set, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.sets.Peek(of); ok {
		c.held += bytes - found.bytes
		found.bytes = bytes
		c.evict()
	}
}

func (c *Cache[V]) evict() {
	for c.held > c.limit && c.sets.Len() > 0 {
		c.sets.RemoveOldest()
	}
	c.gauge.Set(float64(c.held))
}

// Remove removes a set, if it is kept.
func (c *Cache[V]) Remove(of Set) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets.Remove(of)
	c.gauge.Set(float64(c.held))
}

// Clear removes all sets.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sets.Purge()
	c.gauge.Set(float64(c.held))
}

// All returns the sets that are kept.
func (c *Cache[V]) All() map[Set]V {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[Set]V, c.sets.Len())
	for _, of := range c.sets.Keys() {
		if found, ok := c.sets.Peek(of); ok {
			all[of] = found.value
		}
	}
	return all
}
