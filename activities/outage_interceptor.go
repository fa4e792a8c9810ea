package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// OutageReporter collects failures that an unavailable dependency has caused.
type OutageReporter interface {
	// Report counts err where it is a *orak.Fault of orak.ClassDependency
	// whose dependency is known, and ignores any other. It neither blocks nor
	// fails.
	Report(err error)
}

// OutageInterceptor is a worker interceptor that reports the outages of which
// activities fail. It belongs inside the RetryInterceptor, where errors are still
// those that the activity returned.
type OutageInterceptor struct {
	interceptor.WorkerInterceptorBase
	reporter OutageReporter
}

var _ interceptor.WorkerInterceptor = (*OutageInterceptor)(nil)

// NewOutageInterceptor makes an OutageInterceptor that reports to r.
func NewOutageInterceptor(r OutageReporter) *OutageInterceptor {
	return &OutageInterceptor{reporter: r}
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (i *OutageInterceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &watched{reporter: i.reporter}
	in.Next = next
	return in
}

type watched struct {
	interceptor.ActivityInboundInterceptorBase
	reporter OutageReporter
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor. An
// activity that fails because it is stopped says nothing about a dependency.
func (w *watched) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := w.Next.ExecuteActivity(ctx, in)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) && !stopping(ctx) {
		w.reporter.Report(err)
	}
	return out, err
}

// stopping reports whether the worker of an activity is being stopped.
func stopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}
