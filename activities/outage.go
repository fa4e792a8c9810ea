package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"orak"
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

// Down says that a dependency was found away.
type Down struct {
	Dependency orak.Dependency `json:"dependency"`
	// Count is how many attempts met it, between FirstAt and LastAt.
	Count   int       `json:"count"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	// Message is the last one's; see orak.Fault.
	Message string `json:"message"`
}

// Outage is what one message tells of an outage.
type Outage struct {
	Down
	// Repeated is there where it was told before and goes on.
	Repeated bool `json:"repeated,omitempty"`
	// OverAt is when it was found to be over; zero while it goes on.
	OverAt time.Time `json:"over_at,omitzero"`
}

// PostOutage posts the message of an outage.
func (a *Activities) PostOutage(ctx context.Context, o Outage) error {
	return a.post(ctx, outageMessage(o), "dependency", string(o.Dependency))
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

// outageMessage is Markdown as that of message.
func outageMessage(o Outage) string {
	var b strings.Builder
	lasted := o.LastAt.Sub(o.FirstAt).Round(time.Second)
	switch {
	case !o.OverAt.IsZero():
		fmt.Fprintf(&b, ":white_check_mark: %s again: the outage is over. It lasted %s, from %s to %s, and was met by %s.\n",
			serves(o.Dependency), lasted, stamp(o.FirstAt), stamp(o.LastAt), tries(o.Count))
		b.WriteString("What waited goes on by itself; nothing is to be done.\n")
		return b.String()
	case o.Repeated:
		fmt.Fprintf(&b, ":repeat: %s for %s, since %s; met by %s.\n", away(o.Dependency), lasted, stamp(o.FirstAt), tries(o.Count))
	default:
		fmt.Fprintf(&b, ":rotating_light: %s since %s; met by %s so far.\n", away(o.Dependency), stamp(o.FirstAt), tries(o.Count))
	}
	if o.Message != "" {
		fmt.Fprintf(&b, "The last said: %s\n", codeSpan(o.Message, orak.MaxMessage))
	}
	b.WriteString(waits(o.Dependency) + "\n")
	fmt.Fprintf(&b, "What to look at: docs/runbooks/outages.md, section %s. A message follows when it is over.\n", codeSpan(string(o.Dependency), 40))
	return b.String()
}

func tries(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

// titles are the dependencies in the words of messages.
var titles = map[orak.Dependency]string{
	orak.DependencyStore:       "The object store",
	orak.DependencyKafka:       "Kafka",
	orak.DependencyTemporal:    "Temporal",
	orak.DependencyModelServer: "The model server",
	orak.DependencyWebhook:     "The webhook of the alerts",
	orak.DependencyConverter:   "The converter (ffmpeg, or its scratch disk)",
}

func title(d orak.Dependency) string {
	if t, ok := titles[d]; ok {
		return t
	}
	return codeSpan(string(d), 40)
}

func away(d orak.Dependency) string {
	if d == orak.DependencyWorkflows {
		return "Workflow tasks fail"
	}
	return title(d) + " is away"
}

func serves(d orak.Dependency) string {
	if d == orak.DependencyWorkflows {
		return "Every workflow goes on"
	}
	return title(d) + " serves"
}

// waits says what an outage means for uploads.
func waits(d orak.Dependency) string {
	switch d {
	case orak.DependencyStore:
		return "Uploads in hand wait; none is lost, and they go on by themselves. New ones are refused with 503: their senders try again."
	case orak.DependencyWorkflows:
		return "The uploads of these workflows stand still until a worker runs whose code can go on with them; none is lost. All others go on."
	case orak.DependencyWebhook:
		return "Alerts wait, and are posted once it serves; uploads go on meanwhile."
	default:
		return "Uploads wait; none is lost, and they go on by themselves."
	}
}
