package temporal

import (
	"context"
	"log/slog"

	sdklog "go.temporal.io/sdk/log"
)

// messageActivityError is the SDK's log message, at level error, for every failed
// attempt of an activity.
const messageActivityError = "Activity error."

// newLogger adapts log for the SDK.
func newLogger(log *slog.Logger) sdklog.Logger {
	return sdklog.NewStructuredLogger(slog.New(quiet{log.Handler()}))
}

// quiet lowers the SDK's messages about failed attempts to level debug: the
// activities log each attempt themselves, with its class and what follows, and a
// retried attempt is no error.
type quiet struct{ slog.Handler }

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == messageActivityError {
		if !q.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
		r.Level = slog.LevelDebug
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
