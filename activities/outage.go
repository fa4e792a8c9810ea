package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities/messages"
)

// Probe reports whether a dependency serves; nil means that it does.
type Probe func(ctx context.Context) error

// PostOutage posts the message of an outage.
func (a *Activities) PostOutage(ctx context.Context, o messages.Outage) error {
	return a.post(ctx, messages.OutageText(o), "dependency", string(o.Dependency))
}

// ProbeDependency reports whether a dependency serves again. One that cannot be
// asked is taken to do so: that nobody reports it says as much.
func (a *Activities) ProbeDependency(ctx context.Context, d orak.Dependency) (up bool, err error) {
	probe := a.deps.Probes[d]
	if probe == nil {
		return true, nil
	}
	if err := probe(ctx); err != nil {
		a.log.InfoContext(ctx, "dependency is still away", "dependency", string(d), "error", err)
		return false, nil
	}
	return true, nil
}

// post posts one message; attrs are the log's. Where the other side says how
// long to wait, the next attempt waits so.
func (a *Activities) post(ctx context.Context, markdown string, attrs ...any) error {
	err := a.deps.Notifier.Post(ctx, markdown)
	if err == nil {
		a.metrics.alertsPosted.Inc()
		return nil
	}
	a.metrics.alertsFailed.Inc()
	a.log.ErrorContext(ctx, "alert not posted; it is tried again", append(attrs, "error", err)...)
	if f := (*orak.Fault)(nil); errors.As(err, &f) && f.RetryAfter > 0 {
		return temporal.NewApplicationErrorWithOptions(clip(f.Error(), maxCause), string(f.Class),
			temporal.ApplicationErrorOptions{NextRetryDelay: min(f.RetryAfter, maxRetryAfter)})
	}
	return fmt.Errorf("posting alert: %w", err)
}
