package consume

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Dependency is a server that records are handled with. Each has a limiter of
// its own, so that what waits for one of them keeps nothing from the others.
type Dependency struct {
	limit   *limiter
	timeout time.Duration
	// overloaded reports whether an error is a sign of overload.
	overloaded func(error) bool
	// unavailable is set by a try that failed, until one succeeds.
	unavailable atomic.Bool
	// aside counts the records that wait for it outside of the in-flight budget.
	aside prometheus.Gauge
}

// DependencyConfig says how a Dependency is tried.
type DependencyConfig struct {
	// Timeout bounds one try.
	Timeout time.Duration
	// Slow is how long a try may take before it counts as a sign of overload; 0
	// means that none does.
	Slow time.Duration
	// Overloaded reports whether an error says that the dependency has too much to
	// do. Timeouts always do; nil adds nothing to them.
	Overloaded func(error) bool
}

// Dependency makes a dependency of c's handler, labelled name in metrics. At most
// as many tries with it are underway at once as the in-flight budget has records.
func (c *Consumer) Dependency(name string, cfg DependencyConfig) *Dependency {
	c.inflightMu.Lock()
	defer c.inflightMu.Unlock()
	d := &Dependency{
		limit:      newLimiter(int(c.inflight.Load()), cfg.Slow, c.metrics.limit.WithLabelValues(name).Set),
		timeout:    cfg.Timeout,
		overloaded: cfg.Overloaded,
		aside:      c.metrics.aside.WithLabelValues(name),
	}
	c.dependencies = append(c.dependencies, d)
	return d
}

// try makes one attempt, once the limiter lets it.
func (on *Dependency) try(ctx context.Context, d *Delivery, attempt func(context.Context) error) (err error) {
	p, ok := on.limit.acquire(ctx.Done(), d.session.ending)
	if !ok {
		return ErrGivenUp
	}
	began, v := time.Now(), verdictNone
	defer func() { on.limit.release(p, time.Since(began), v) }()
	try, cancel := context.WithTimeout(ctx, on.timeout)
	defer cancel()
	err = attempt(try)
	if err != nil && (ctx.Err() != nil || d.session.isEnding()) {
		return ErrGivenUp
	}
	on.unavailable.Store(err != nil)
	v = on.judge(try, err)
	return err
}

// judge is what the end of a try says about the dependency's load.
func (on *Dependency) judge(try context.Context, err error) verdict {
	switch {
	case err == nil:
		return verdictFine
	case errors.Is(try.Err(), context.DeadlineExceeded), on.overloaded != nil && on.overloaded(err):
		return verdictOverload
	default:
		return verdictNone
	}
}
