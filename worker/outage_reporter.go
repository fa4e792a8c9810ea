package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/sdk/client"
	"golang.org/x/time/rate"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/workflows"
)

// reportTimeout bounds one signal.
const reportTimeout = 10 * time.Second

// Reporter signals outages of a dependency to its OutageDigest, and starts it if
// it is not running. A process has one: the first report is sent at once, further
// ones are batched into one signal every OutageConfig.ReportInterval. While
// Temporal is unavailable they wait here.
type Reporter struct {
	client client.Client
	cfg    OutageConfig
	log    *slog.Logger

	reports  *prometheus.CounterVec
	failures prometheus.Counter

	mu sync.Mutex
	// pending has an entry for each dependency with a sender.
	pending map[orak.Dependency]*messages.Down
	sending sync.WaitGroup
	// stop is closed by Stop, under mu.
	stop    chan struct{}
	stopped bool
}

var _ activities.OutageReporter = (*Reporter)(nil)

// NewReporter makes a Reporter; Stop ends it.
func NewReporter(c client.Client, cfg OutageConfig, log *slog.Logger, reg prometheus.Registerer) *Reporter {
	f := promauto.With(reg)
	r := &Reporter{
		client: c, cfg: cfg, log: log, pending: map[orak.Dependency]*messages.Down{}, stop: make(chan struct{}),
		reports:  f.NewCounterVec(prometheus.CounterOpts{Name: "orak_outage_reports_total", Help: "Attempts that failed because a dependency was unavailable, by dependency."}, []string{"dependency"}),
		failures: f.NewCounter(prometheus.CounterOpts{Name: "orak_outage_report_failures_total", Help: "Failed attempts to report an outage to Temporal; each is retried."}),
	}
	for _, dependency := range orak.Dependencies() { // before the first, which is to be seen
		r.reports.WithLabelValues(string(dependency))
	}
	return r
}

// Report implements activities.OutageReporter. It ignores a canceled call, which
// says nothing about the dependency, and a suspect recording, which may itself be
// the cause: its next attempt shows that, or the gate if the server is unavailable.
func (r *Reporter) Report(err error) {
	var f *orak.Fault
	if !errors.As(err, &f) || f.Class != orak.ClassDependency || f.Dependency == "" || f.Suspect || errors.Is(err, context.Canceled) {
		return
	}
	r.reports.WithLabelValues(string(f.Dependency)).Inc()
	now := time.Now().UTC()
	r.add(messages.Down{Dependency: f.Dependency, Count: 1, FirstAt: now, LastAt: now, Message: f.Message})
}

// Stop ends the Reporter, and drops what is not sent: the worker that takes over
// fails of the same outage and reports it.
func (r *Reporter) Stop() {
	r.mu.Lock()
	if !r.stopped {
		r.stopped = true
		close(r.stop)
	}
	r.mu.Unlock()
	r.sending.Wait()
}

// add counts d, and starts a sender if there is none.
func (r *Reporter) add(d messages.Down) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	if p := r.pending[d.Dependency]; p != nil {
		merge(p, d)
		return
	}
	r.pending[d.Dependency] = &d
	r.sending.Go(func() { r.deliver(d.Dependency) })
}

// merge adds a later report to p, which may be empty.
func merge(p *messages.Down, d messages.Down) {
	if p.Count == 0 {
		p.FirstAt = d.FirstAt
	}
	p.Count += d.Count
	p.LastAt, p.Message = d.LastAt, d.Message
}

// deliver sends what is pending, at most one signal every ReportInterval. It
// ends when a whole interval brought nothing new.
func (r *Reporter) deliver(dep orak.Dependency) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-r.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	pace := rate.NewLimiter(rate.Every(r.cfg.ReportInterval), 1)
	for pace.Wait(ctx) == nil {
		d, more := r.next(dep)
		if !more {
			return
		}
		if err := r.send(ctx, d); err != nil {
			r.failures.Inc()
			r.log.WarnContext(ctx, "outage was not reported; retrying", "dependency", string(dep), "count", d.Count, "error", err)
			r.keep(d)
		}
	}
}

// next takes what is pending; more is false if nothing is, and ends the sender.
func (r *Reporter) next(dep orak.Dependency) (d messages.Down, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pending[dep]
	if p.Count == 0 {
		delete(r.pending, dep)
		return messages.Down{}, false
	}
	d = *p
	*p = messages.Down{Dependency: dep}
	return d, true
}

// keep returns to pending what was not sent, merged with later reports.
func (r *Reporter) keep(d messages.Down) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pending[d.Dependency]; p.Count > 0 {
		merge(&d, *p)
	}
	*r.pending[d.Dependency] = d
}

func (r *Reporter) send(ctx context.Context, d messages.Down) error {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	intervals := workflows.OutageIntervals{GroupWait: r.cfg.GroupWait, RepeatInterval: r.cfg.RepeatInterval, Quiet: r.cfg.Quiet}
	_, err := r.client.SignalWithStartWorkflow(ctx, workflows.OutageWorkflowID(d.Dependency),
		workflows.SignalDown, workflows.DownSignal{Down: d, Intervals: &intervals},
		client.StartWorkflowOptions{TaskQueue: workflows.QueuePipeline, StaticSummary: messages.OutageSummary(d.Dependency)},
		workflows.TypeOutageDigest, workflows.OutageDigestInput{Dependency: d.Dependency, OutageIntervals: intervals})
	return err
}
