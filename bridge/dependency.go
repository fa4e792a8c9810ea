package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/serviceerror"

	"orak"
)

// dependency is a server that records are handled with. Each has a limiter of
// its own, so that what waits for one of them keeps nobody from the others.
type dependency struct {
	limit *limiter
	// away is set by a try that failed, until one succeeds.
	away atomic.Bool
	// aside counts the records that wait for it outside of the in-flight budget.
	aside prometheus.Gauge
}

// newDependency is asked by inflight records at once at most. A try that takes
// longer than slow is a sign of overload; see limiter.
func newDependency(name orak.Dependency, inflight int, slow time.Duration, m *metrics) *dependency {
	return &dependency{
		limit: newLimiter(inflight, slow, m.limit.WithLabelValues(string(name)).Set),
		aside: m.aside.WithLabelValues(string(name)),
	}
}

// errGivenUp means that the record is given up: its session or the bridge ends.
var errGivenUp = errors.New("the record is given up")

// try makes one attempt, once the limiter lets it, and within timeout.
func (d *dependency) try(ctx context.Context, j *job, timeout time.Duration, attempt func(context.Context) error) (err error) {
	p, ok := d.limit.acquire(ctx.Done(), j.s.ending)
	if !ok {
		return errGivenUp
	}
	began, v := time.Now(), verdictNone
	defer func() { d.limit.release(p, time.Since(began), v) }()
	try, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = attempt(try)
	if err != nil && (ctx.Err() != nil || j.s.isEnding()) {
		return errGivenUp
	}
	d.away.Store(err != nil)
	v = judge(try, err)
	return err
}

// judge is what the end of a try says about the dependency's load.
func judge(try context.Context, err error) verdict {
	var exhausted *serviceerror.ResourceExhausted
	var unavailable *serviceerror.Unavailable
	var fault *orak.Fault
	switch {
	case err == nil:
		return verdictFine
	case errors.Is(try.Err(), context.DeadlineExceeded), errors.As(err, &exhausted), errors.As(err, &unavailable):
		return verdictOverload
	case errors.As(err, &fault) && (fault.Class == orak.ClassDependency || fault.Class == orak.ClassOverload):
		return verdictOverload
	default:
		return verdictNone
	}
}

// persist tries until attempt succeeds. It is false where the record has to be
// given up because the session or the bridge ends. Each try has StartTimeout.
func (b *Bridge) persist(ctx context.Context, j *job, on *dependency, doing string, attempt func(context.Context) error) bool {
	return b.persistWithin(ctx, j, on, b.cfg.StartTimeout, doing, attempt)
}

// persistWithin is persist with another limit of each try. While the dependency
// is away, the record waits, and is tried, outside of the in-flight budget.
func (b *Bridge) persistWithin(ctx context.Context, j *job, on *dependency, timeout time.Duration, doing string, attempt func(context.Context) error) bool {
	defer b.setWaiting(j.r, nil)
	waits := newBackoff(b.cfg.MaxBackoff)
	for {
		if on.away.Load() {
			b.stepAside(j, on)
		}
		err := on.try(ctx, j, timeout, attempt)
		switch {
		case err == nil:
			return true
		case errors.Is(err, errGivenUp):
			return false
		}
		b.stepAside(j, on)
		b.setWaiting(j.r, fmt.Errorf("%s: %w", doing, err))
		b.faults.warn(b.log, "a record has to wait", "doing", doing, "error", err,
			"partition", j.r.Partition, "offset", j.r.Offset)
		if !j.pause(ctx, waits.wait()) {
			return false
		}
	}
}
