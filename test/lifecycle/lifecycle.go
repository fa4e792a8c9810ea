// Package lifecycle tests the contract of parts that start and stop.
package lifecycle

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"orak/test/leaks"
)

// Part is the part under test.
type Part struct {
	// Start is nil for a part that runs from the moment it is made.
	Start func(context.Context) error
	Stop  func(context.Context) error
	// Serves returns nil if the part does its work. It may be nil.
	Serves func(context.Context) error
}

// Closing is a Part that runs from the moment it is made and is closed by end.
func Closing(end func()) Part { return Part{Stop: func(context.Context) error { end(); return nil }} }

const (
	// patience bounds what a real server does in its own time.
	patience = time.Minute
	// quick bounds a Stop that has nothing left to do or no time to do it.
	quick = 3 * time.Second
	// races is how often Stop meets Start.
	races = 5
)

// Starts tests the promises of Stops and these:
//
//   - Stop before Start returns nil, and Start then returns an error;
//   - Start of a part that runs or has run returns an error and has no effect;
//   - Stop during Start ends both, and nothing is left running.
//
// made returns a new part at each call. What the part depends on must end with the test
// that made gets. The caller must not be a parallel test: Starts checks the goroutines
// of the process.
func Starts(t *testing.T, made func(t *testing.T) Part) {
	t.Helper()
	Stops(t, func(t *testing.T) Part {
		p := made(t)
		require.NoError(t, p.Start(within(t, patience)))
		return p
	})
	isolated(t, "StopBeforeStart", made, func(t *testing.T, p Part) {
		stopsAtOnce(t, p)
		require.Error(t, p.Start(within(t, patience)), "it was stopped")
	})
	isolated(t, "StartTwice", made, func(t *testing.T, p Part) {
		require.NoError(t, p.Start(within(t, patience)))
		require.Error(t, p.Start(within(t, patience)), "it runs")
		if p.Serves != nil {
			require.NoError(t, p.Serves(within(t, patience)), "the second start must not affect the first")
		}
		require.NoError(t, p.Stop(within(t, patience)))
		require.Error(t, p.Start(within(t, patience)), "it has run")
	})
	for i := range races {
		isolated(t, "StopWhileStarting", made, func(t *testing.T, p Part) {
			var both sync.WaitGroup
			both.Go(func() { _ = p.Start(within(t, patience)) }) // either may win
			time.Sleep(time.Duration(i*i) * time.Millisecond)
			require.NoError(t, p.Stop(within(t, patience)))
			both.Wait()
			stopsAtOnce(t, p)
		})
	}
}

// Stops tests these promises of a part that already runs when made returns it:
//
//   - another Stop after the first returns nil at once;
//   - concurrent calls of Stop all return nil once everything has ended;
//   - Stop with an ended context returns soon, with the context's error unless
//     everything has ended, and another Stop with time returns nil;
//   - no goroutine is left.
func Stops(t *testing.T, made func(t *testing.T) Part) {
	t.Helper()
	isolated(t, "StopTwice", made, func(t *testing.T, p Part) {
		require.NoError(t, p.Stop(within(t, patience)))
		stopsAtOnce(t, p)
	})
	isolated(t, "StopTogether", made, func(t *testing.T, p Part) {
		var all sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			all.Go(func() { errs[i] = p.Stop(within(t, patience)) })
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
	})
	isolated(t, "StopWithoutTime", made, func(t *testing.T, p Part) {
		ended, end := context.WithCancel(t.Context())
		end()
		began := time.Now()
		if err := p.Stop(ended); err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		require.Less(t, time.Since(began), quick)
		require.NoError(t, p.Stop(within(t, patience)))
	})
}

// stopsAtOnce checks that Stop of a part that does not run returns nil at once.
func stopsAtOnce(t *testing.T, p Part) {
	t.Helper()
	began := time.Now()
	require.NoError(t, p.Stop(within(t, patience)))
	require.Less(t, time.Since(began), quick)
}

// isolated runs a check on a new part, and fails where goroutines are left.
func isolated(t *testing.T, name string, made func(*testing.T) Part, check func(*testing.T, Part)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		t.Run("part", func(t *testing.T) { check(t, made(t)) })
		if !t.Failed() {
			require.NoError(t, leaks.Find(before))
		}
	})
}

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
