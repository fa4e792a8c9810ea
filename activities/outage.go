package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities/messages"
)

// OutageReporter is told of what fails because a dependency is away.
type OutageReporter interface {
	// Report counts err where it is a *orak.Fault of orak.ClassDependency
	// whose dependency is known, and leaves any other alone. It neither blocks
	// nor fails.
	Report(err error)
}

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

// Watch is a worker interceptor that reports the outages which activities
// meet. It stands inside the Keeper, where errors are still what the activity
// returned.
type Watch struct {
	interceptor.WorkerInterceptorBase
	reporter OutageReporter
}

var _ interceptor.WorkerInterceptor = (*Watch)(nil)

// NewWatch makes a Watch.
func NewWatch(r OutageReporter) *Watch { return &Watch{reporter: r} }

// InterceptActivity is called by the SDK for every activity task.
func (w *Watch) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &watched{reporter: w.reporter}
	in.Next = next
	return in
}

type watched struct {
	interceptor.ActivityInboundInterceptorBase
	reporter OutageReporter
}

// ExecuteActivity reports the outage that the activity met, if it met one:
// what fails because it is told to stop says nothing of a dependency.
func (w *watched) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := w.Next.ExecuteActivity(ctx, in)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) && !stopping(ctx) {
		w.reporter.Report(err)
	}
	return out, err
}

func stopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
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
