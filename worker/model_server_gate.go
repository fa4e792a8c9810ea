package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"orak"
	"orak/activities"
)

// ModelServer is what the admission to the GPU queue needs from the model server;
// nil stands for the built-in engine, which is always ready.
type ModelServer interface {
	// Ready returns nil when the server takes work.
	Ready(ctx context.Context) error
	// MemoryPerSecond returns the memory of the server that the analysis of a
	// second of audio needs, in bytes; 0 where the server does not declare it.
	MemoryPerSecond(ctx context.Context) (int64, error)
}

const (
	// askFor bounds one request to the server, and askEvery is the minimum interval
	// of requests for its readiness.
	askFor   = 5 * time.Second
	askEvery = time.Second
	// loadingFor is how long a server may report that it is not ready, such as
	// while it loads its model, before that counts as an outage.
	loadingFor = time.Minute
)

// gate is open while the model server takes work. While it is closed no task is
// taken, so no attempt fails of the outage: the gate reports it instead.
type gate struct {
	ready   answer[struct{}]
	outages activities.OutageReporter
	log     *slog.Logger
	// shut is when the gate closed, in Unix nanoseconds; 0 while it is open.
	shut atomic.Int64
}

func newGate(server ModelServer, outages activities.OutageReporter, log *slog.Logger) *gate {
	g := &gate{outages: outages, log: log}
	g.ready = newAnswer(askEvery, func(ctx context.Context) (struct{}, error) { return struct{}{}, server.Ready(ctx) })
	g.ready.heard = g.heard
	return g
}

// await returns once the gate is open, or with the error of ctx.
func (g *gate) await(ctx context.Context) error {
	if g == nil {
		return ctx.Err()
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return g.ready.get(ctx) },
		backoff.WithBackOff(backoff.NewConstantBackOff(askEvery)), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return ctx.Err()
	}
	return nil
}

func (g *gate) isOpen() bool { return g == nil || g.shut.Load() == 0 }

// heard opens or closes the gate, and reports an unavailable server.
func (g *gate) heard(ctx context.Context, err error) {
	now := time.Now()
	if err == nil {
		if g.shut.Swap(0) != 0 {
			g.log.InfoContext(ctx, "model server is ready; taking analyses again")
		}
		return
	}
	if g.shut.CompareAndSwap(0, now.UnixNano()) {
		g.log.WarnContext(ctx, "model server is not ready; taking no analyses", "error", err)
	}
	loading := orak.AsFault(err).Class == orak.ClassOverload && now.Sub(time.Unix(0, g.shut.Load())) < loadingFor
	if g.outages != nil && !loading {
		g.outages.Report(&orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyModelServer,
			Message: "The model server takes no work.", Err: err})
	}
}

// answer caches the server's answer to one question. One caller asks for all; the
// others wait for it, or for the end of their own context.
type answer[T any] struct {
	ask func(ctx context.Context) (T, error)
	// heard is called with the result of each request, unless the context of its
	// caller has ended; it may be nil.
	heard func(context.Context, error)
	// holds is how long an answer is cached; a failure is cached for askEvery.
	holds time.Duration
	// asking is held by the caller that asks; it guards the fields below.
	asking chan struct{}
	until  time.Time
	value  T
	err    error
}

func newAnswer[T any](holds time.Duration, ask func(ctx context.Context) (T, error)) answer[T] {
	return answer[T]{ask: ask, holds: holds, asking: make(chan struct{}, 1)}
}

// get returns the last good value, and the error of the last request.
func (a *answer[T]) get(ctx context.Context) (T, error) {
	select {
	case a.asking <- struct{}{}:
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	defer func() { <-a.asking }()
	if time.Now().Before(a.until) {
		return a.value, a.err
	}
	timed, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	value, err := a.ask(timed)
	if ctx.Err() != nil {
		return a.value, ctx.Err()
	}
	if a.heard != nil {
		a.heard(ctx, err)
	}
	a.err, a.until = err, time.Now().Add(askEvery)
	if err == nil {
		a.value, a.until = value, time.Now().Add(a.holds)
	}
	return a.value, a.err
}
