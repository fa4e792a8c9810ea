package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// stops end what was started, in the order of starting.
type stops struct {
	mu   sync.Mutex
	left []namedStop
}

type namedStop struct {
	name string
	stop func(context.Context) error
}

func (s *stops) add(name string, stop func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, namedStop{name, stop})
}

// closing is for what closes at once and cannot fail.
func closing(f func()) func(context.Context) error {
	return func(context.Context) error { f(); return nil }
}

// run stops everything, the last started first, whatever fails on the way. What
// fails because ctx has ended is stopped again by the next call.
func (s *stops) run(ctx context.Context, log *slog.Logger) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	var again []namedStop
	for _, part := range slices.Backward(s.left) {
		began := time.Now()
		err := part.stop(ctx)
		if err == nil {
			log.DebugContext(ctx, "stopped", "part", part.name, "took", time.Since(began))
			continue
		}
		log.ErrorContext(ctx, "stopping failed", "part", part.name, "error", err)
		errs = append(errs, fmt.Errorf("%s: %w", part.name, err))
		if ctx.Err() != nil {
			again = append(again, part)
		}
	}
	slices.Reverse(again)
	s.left = again
	return errors.Join(errs...)
}
