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

// ModelServer is what the admission to the GPU queue asks of the server behind
// it; nil stands for the built-in engine, which is always there.
type ModelServer interface {
	// Ready is nil when the server takes work.
	Ready(ctx context.Context) error
	// MemoryPerSecond is what a second of audio takes of the server's memory
	// while it is analyzed, in bytes; 0 where the server does not say.
	MemoryPerSecond(ctx context.Context) (int64, error)
}

const (
	// askFor bounds one question to the server, and askEvery is how often its
	// readiness is asked for, at most.
	askFor   = 5 * time.Second
	askEvery = time.Second
	// loadingFor is how long a server may say that it is not ready, as one does
	// that loads its model, before that is an outage that somebody is told of.
	loadingFor = time.Minute
)

// gate is open while the model server takes work. While it is shut no task is
// taken, and so none meets the outage: the gate is what reports it.
type gate struct {
	ready   answer[struct{}]
	outages activities.OutageReporter
	log     *slog.Logger
	// shut is since when, in Unix nanoseconds; 0 while the gate is open.
	shut atomic.Int64
}

func newGate(server ModelServer, outages activities.OutageReporter, log *slog.Logger) *gate {
	g := &gate{outages: outages, log: log}
	g.ready = newAnswer(askEvery, func(ctx context.Context) (struct{}, error) { return struct{}{}, server.Ready(ctx) })
	g.ready.heard = g.heard
	return g
}

// await returns once the gate is open, or with ctx's error.
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

// heard moves the gate, and reports a server that is away.
func (g *gate) heard(err error) {
	now := time.Now()
	if err == nil {
		if g.shut.Swap(0) != 0 {
			g.log.Info("the model server is ready; analyses are taken again")
		}
		return
	}
	if g.shut.CompareAndSwap(0, now.UnixNano()) {
		g.log.Warn("the model server is not ready; no analysis is taken", "error", err)
	}
	loading := orak.AsFault(err).Class == orak.ClassOverload && now.Sub(time.Unix(0, g.shut.Load())) < loadingFor
	if g.outages != nil && !loading {
		g.outages.Report(&orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyModelServer,
			Message: "The model server takes no work.", Err: err})
	}
}

// answer is what the server last said to one question. One asks for all who
// want to know; the others wait for that, or for the end of their own context.
type answer[T any] struct {
	ask func(ctx context.Context) (T, error)
	// heard is told how each question ended, but for one whose asker left; nil
	// where nobody wants to know.
	heard func(error)
	// holds is how long what was said counts; a failure counts for askEvery.
	holds time.Duration
	// asking is held by the one who asks; it guards what is below.
	asking chan struct{}
	until  time.Time
	value  T
	err    error
}

func newAnswer[T any](holds time.Duration, ask func(ctx context.Context) (T, error)) answer[T] {
	return answer[T]{ask: ask, holds: holds, asking: make(chan struct{}, 1)}
}

// get gives the last good value, and the error of the last question.
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
		a.heard(err)
	}
	a.err, a.until = err, time.Now().Add(askEvery)
	if err == nil {
		a.value, a.until = value, time.Now().Add(a.holds)
	}
	return a.value, a.err
}
