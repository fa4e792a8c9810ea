package startstop_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/startstop"
	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// part takes its time to start, heeding its context, and to stop, not heeding it.
type part struct {
	once          startstop.Once
	start, stop   time.Duration
	runs, stopped atomic.Int32
}

func (p *part) Start(ctx context.Context) error {
	return p.once.Start(ctx, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.start):
			p.runs.Add(1)
			return nil
		}
	})
}

func (p *part) Stop(ctx context.Context) error {
	return p.once.Stop(ctx, func(context.Context) error {
		time.Sleep(p.stop)
		p.runs.Add(-1)
		p.stopped.Add(1)
		return nil
	})
}

func (p *part) Serves(context.Context) error {
	if p.runs.Load() != 1 {
		return errors.New("it does not run")
	}
	return nil
}

func TestOnceKeepsTheContract(t *testing.T) {
	for name, p := range map[string]*part{"quick": {}, "slow to start": {start: 10 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
				made := &part{start: p.start, stop: p.stop}
				t.Cleanup(func() {
					require.Zero(t, made.runs.Load())
					require.LessOrEqual(t, made.stopped.Load(), int32(1))
				})
				return lifecycle.Part{Start: made.Start, Stop: made.Stop, Serves: made.Serves}
			})
		})
	}
}

func TestSlowStopOutlivesItsContext(t *testing.T) {
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		p := &part{stop: 1500 * time.Millisecond} // longer than an ended context is waited for
		require.NoError(t, p.Start(t.Context()))
		return lifecycle.Part{Stop: p.Stop}
	})
}

func TestFailedStartMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	var once startstop.Once
	require.ErrorContains(t, once.Start(t.Context(), func(context.Context) error { return errors.New("no") }), "no")
	require.NoError(t, once.Start(t.Context(), func(context.Context) error { return nil }))
	require.ErrorIs(t, once.Start(t.Context(), nil), startstop.ErrStarted)
	require.ErrorContains(t, once.Stop(t.Context(), func(context.Context) error { return errors.New("stuck") }), "stuck")
	require.NoError(t, once.Stop(t.Context(), nil))
}

func TestStopCancelsTheStart(t *testing.T) {
	t.Parallel()
	var once startstop.Once
	entered, started := make(chan struct{}), make(chan error)
	go func() {
		started <- once.Start(t.Context(), func(ctx context.Context) error { close(entered); <-ctx.Done(); return ctx.Err() })
	}()
	<-entered
	require.NoError(t, once.Stop(t.Context(), nil), "it never ran")
	require.ErrorIs(t, <-started, startstop.ErrStopped)
}

func TestStopEndsTheWorkOfAnEarlierOne(t *testing.T) {
	t.Parallel()
	var once startstop.Once
	require.NoError(t, once.Start(t.Context(), func(context.Context) error { return nil }))
	entered, first := make(chan struct{}), make(chan error)
	go func() {
		first <- once.Stop(context.Background(), func(ctx context.Context) error { close(entered); <-ctx.Done(); return ctx.Err() })
	}()
	<-entered
	ended, end := context.WithCancel(t.Context())
	end()
	_ = once.Stop(ended, nil) // one of the two calls gets the error
	<-first
	require.NoError(t, once.Stop(t.Context(), nil))
}
