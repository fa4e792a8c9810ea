package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities/messages"
)

// Probe checks a dependency; nil means that it is available.
type Probe func(ctx context.Context) error

// PostOutage posts one message about an outage.
func (a *Activities) PostOutage(ctx context.Context, o messages.Outage) error {
	return a.post(ctx, a.deps.Notifier, a.deps.Messages.OutageText(o), "dependency", string(o.Dependency))
}

// ProbeDependency reports whether a dependency is available again. One without a
// probe counts as available: that nothing reports its outage any more says as
// much.
func (a *Activities) ProbeDependency(ctx context.Context, d orak.Dependency) (up bool, err error) {
	probe := a.deps.Probes[d]
	if probe == nil {
		return true, nil
	}
	if err := probe(ctx); err != nil {
		a.log.InfoContext(ctx, "dependency is still unavailable", "dependency", string(d), "error", err)
		return false, nil
	}
	return true, nil
}

// post posts one message; attrs are attributes for the log. Where the chat asks
// for a delay, the next attempt waits for that long.
func (a *Activities) post(ctx context.Context, to Notifier, markdown string, attrs ...any) error {
	err := to.Post(ctx, markdown)
	if err == nil {
		a.metrics.alertsPosted.Inc()
		return nil
	}
	a.metrics.alertsFailed.Inc()
	a.log.ErrorContext(ctx, "alert was not posted; retrying", append(attrs, "error", err)...)
	if f := (*orak.Fault)(nil); errors.As(err, &f) && f.RetryAfter > 0 {
		return temporal.NewApplicationErrorWithOptions(clip(f.Error(), maxCause), string(f.Class),
			temporal.ApplicationErrorOptions{NextRetryDelay: min(f.RetryAfter, maxRetryAfter)})
	}
	return fmt.Errorf("posting alert: %w", err)
}
