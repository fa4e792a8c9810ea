// Package flight computes an answer once for everybody who asks for it in the same few
// seconds: callers that come while it is computed wait for it (singleflight), and later
// ones get it until it is too old. One who leaves does not end the computation for the
// others. It is not x/sync/singleflight, whose keys are texts: two tenants' keys must not
// become one by how they are written.
package flight

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are those of all caches of one part of the service.
type Metrics struct {
	answers *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// NewMetrics makes the metrics PREFIX_answers_total and PREFIX_answer_seconds. reg may be
// nil.
func NewMetrics(reg prometheus.Registerer, prefix string) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		answers: f.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "_answers_total", Help: "Answers that callers share, by whether they were computed for this one (computed), taken from another one (shared), could not be computed (failed), or were refused since too many are computed at once (refused).",
		}, []string{"answer", "outcome"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "_answer_seconds", Help: "Time to compute an answer that callers share.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"answer"}),
	}
}

// Config says how a Cache of keys K shares answers.
type Config[K comparable] struct {
	// Name is the value of the label of its metrics.
	Name string
	// TTL is how long an answer, or an error, is given to later callers.
	TTL time.Duration
	// Timeout bounds a computation.
	Timeout time.Duration
	// MaxKeys bounds the answers that are kept; the oldest one makes room.
	MaxKeys int
	// Admit is asked before each computation, and release is called after it; nil admits
	// all. It must not block. Its error is that of the one caller, and is not kept.
	Admit func(K) (release func(), err error)
}

// Cache computes and shares answers, one for each key. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	cfg     Config[K]
	metrics *Metrics
	compute func(context.Context, K) (V, error)

	mu      sync.Mutex
	flights map[K]*flight[V]
}

// flight is a computation. Its results may be read once done is closed.
type flight[V any] struct {
	began, ended time.Time
	done         chan struct{}
	value        V
	err          error
}

// New returns a Cache of what compute returns. compute gets a context that ends after
// Config.Timeout, and otherwise carries the values of the first caller's.
func New[K comparable, V any](cfg Config[K], m *Metrics, compute func(context.Context, K) (V, error)) *Cache[K, V] {
	if cfg.Admit == nil {
		cfg.Admit = func(K) (func(), error) { return func() {}, nil }
	}
	return &Cache[K, V]{cfg: cfg, metrics: m, compute: compute, flights: make(map[K]*flight[V])}
}

// Get returns the answer for key. Callers share the value and must not change it. An
// error is that of compute or of Config.Admit, or says that ctx ended first.
func (c *Cache[K, V]) Get(ctx context.Context, key K) (V, error) {
	f, own, err := c.join(ctx, key)
	if err != nil {
		c.metrics.answers.WithLabelValues(c.cfg.Name, "refused").Inc()
		var none V
		return none, err
	}
	if !own {
		c.metrics.answers.WithLabelValues(c.cfg.Name, "shared").Inc()
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("waiting for %s: %w", c.cfg.Name, ctx.Err())
	}
}

// join returns the flight for key; own is true if it begins with this call. The error is
// that of Config.Admit.
func (c *Cache[K, V]) join(ctx context.Context, key K) (f *flight[V], own bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if f, ok := c.flights[key]; ok && (f.ended.IsZero() || now.Sub(f.ended) < c.cfg.TTL) {
		return f, false, nil
	}
	release, err := c.cfg.Admit(key)
	if err != nil {
		return nil, false, err
	}
	f = &flight[V]{began: now, done: make(chan struct{})}
	c.makeRoom(now)
	c.flights[key] = f
	go c.fly(context.WithoutCancel(ctx), key, f, release)
	return f, true, nil
}

// makeRoom drops the answers that are too old, and the oldest one if there are still too
// many. The caller holds the lock.
func (c *Cache[K, V]) makeRoom(now time.Time) {
	var oldest K
	var began time.Time
	for key, f := range c.flights {
		if !f.ended.IsZero() && now.Sub(f.ended) >= c.cfg.TTL {
			delete(c.flights, key)
			continue
		}
		if began.IsZero() || f.began.Before(began) {
			oldest, began = key, f.began
		}
	}
	if len(c.flights) >= c.cfg.MaxKeys {
		delete(c.flights, oldest)
	}
}

func (c *Cache[K, V]) fly(ctx context.Context, key K, f *flight[V], release func()) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	value, err := c.safely(ctx, key)
	release() // before the answer: its caller may ask the next question at once
	outcome := "computed"
	if err != nil {
		outcome = "failed"
	}
	c.metrics.answers.WithLabelValues(c.cfg.Name, outcome).Inc()
	c.metrics.seconds.WithLabelValues(c.cfg.Name).Observe(time.Since(f.began).Seconds())
	c.mu.Lock()
	defer c.mu.Unlock()
	f.value, f.err, f.ended = value, err, time.Now()
	close(f.done)
}

// safely is compute; a panic there is an error, since no caller could recover from it.
func (c *Cache[K, V]) safely(ctx context.Context, key K) (value V, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("computing %s: panic: %v", c.cfg.Name, r)
		}
	}()
	return c.compute(ctx, key)
}
