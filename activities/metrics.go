package activities

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.opentelemetry.io/otel/trace"

	"orak"
)

// metrics counts the side activities; budgetMetrics counts the stages.
type metrics struct {
	deadLetters  *prometheus.CounterVec
	alertsPosted prometheus.Counter
	alertsFailed prometheus.Counter
	erased       prometheus.Counter
	reused       prometheus.Counter

	reconciled     *prometheus.CounterVec
	reconcilePages *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		deadLetters:    counters("orak_dead_letters_total", "Dead letters written, by the stage that failed and the class of its failure.", "stage", "class"),
		alertsPosted:   counter("orak_alert_posts_total", "Alert messages that the alert webhook accepted."),
		erased:         counter("orak_uploads_erased_total", "Uploads whose stored objects were all removed."),
		reused:         counter("orak_analyses_reused_total", "Analyses that were reused instead of computed: the same engine had analyzed the same recording of the same tenant."),
		alertsFailed:   counter("orak_alert_post_failures_total", "Failed attempts to post an alert message; each is retried."),
		reconciled:     counters("orak_reconciled_items_total", "Items that the reconciliation examined and repaired, by step and outcome: examined, published, dropped, started, restarted, stuck, rewritten, stray, failing or error.", "step", "outcome"),
		reconcilePages: counters("orak_reconcile_pages_total", "Pages that the reconciliation has finished, by step. Each run finishes at least one of each step: while this does not grow, nothing is reconciled.", "step"),
	}
	m.begin()
	return m
}

// begin exports what alerts watch as 0 before it first happens: Prometheus sees no increase
// in a series whose first value is 1.
func (m *metrics) begin() {
	for _, stage := range orak.FailureStages() {
		for _, class := range orak.Classes() {
			m.deadLetters.WithLabelValues(string(stage), string(class))
		}
	}
	for _, step := range ReconcileSteps() {
		m.reconcilePages.WithLabelValues(string(step))
		for outcome := range (ReconcileCounts{}).byOutcome() {
			m.reconciled.WithLabelValues(string(step), outcome)
		}
	}
}

// The outcomes of attempts, besides the classes of failures.
const (
	outcomeOK          = "ok"
	outcomeCanceled    = "canceled"
	outcomeInterrupted = "interrupted"
)

type budgetMetrics struct {
	attempts *prometheus.CounterVec
	duration *prometheus.HistogramVec
	running  *prometheus.GaugeVec
}

func newBudgetMetrics(reg prometheus.Registerer) *budgetMetrics {
	f := promauto.With(reg)
	m := &budgetMetrics{
		attempts: f.NewCounterVec(prometheus.CounterOpts{Name: "orak_stage_attempts_total", Help: "Ended attempts, by stage and outcome: ok, a failure class, canceled, or interrupted by the stop of the worker."}, []string{"stage", "outcome"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "orak_stage_duration_seconds",
			Help:    "Duration of attempts, whatever their outcome.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"stage"}),
		running: f.NewGaugeVec(prometheus.GaugeOpts{Name: "orak_stage_running_attempts", Help: "Attempts that are running in this process."}, []string{"stage"}),
	}
	for _, stage := range orak.Stages() {
		for _, class := range orak.Classes() {
			m.attempts.WithLabelValues(string(stage), string(class))
		}
		for _, outcome := range []string{outcomeOK, outcomeCanceled, outcomeInterrupted} {
			m.attempts.WithLabelValues(string(stage), outcome)
		}
	}
	return m
}

// ended counts an attempt. If its trace is sampled, it is the exemplar of its duration.
func (m *budgetMetrics) ended(ctx context.Context, stage orak.Stage, outcome string, took time.Duration) {
	m.attempts.WithLabelValues(string(stage), outcome).Inc()
	duration := m.duration.WithLabelValues(string(stage))
	span := trace.SpanContextFromContext(ctx)
	exemplars, ok := duration.(prometheus.ExemplarObserver)
	if !ok || !span.IsSampled() {
		duration.Observe(took.Seconds())
		return
	}
	exemplars.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": span.TraceID().String(), "span_id": span.SpanID().String()})
}
