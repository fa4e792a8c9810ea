package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stops are the undoing of what was started, in the order of starting.
type stops []namedStop

type namedStop struct {
	name string
	stop func(context.Context) error
}

func (s *stops) add(name string, stop func(context.Context) error) {
	*s = append(*s, namedStop{name, stop})
}

// closing is for what closes at once and cannot fail.
func closing(f func()) func(context.Context) error {
	return func(context.Context) error { f(); return nil }
}

// run stops everything, the last started first, whatever fails on the way.
// It runs what is left once only.
func (s *stops) run(ctx context.Context, log *slog.Logger) error {
	var errs []error
	for len(*s) > 0 {
		last := (*s)[len(*s)-1]
		*s = (*s)[:len(*s)-1]
		began := time.Now()
		if err := last.stop(ctx); err != nil {
			log.Error("stopping failed", "part", last.name, "error", err)
			errs = append(errs, fmt.Errorf("%s: %w", last.name, err))
			continue
		}
		log.Debug("stopped", "part", last.name, "took", time.Since(began))
	}
	return errors.Join(errs...)
}
