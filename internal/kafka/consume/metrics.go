package consume

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records      *prometheus.CounterVec
	delay        prometheus.Histogram
	inflight     prometheus.Gauge
	buffered     prometheus.Gauge
	limit        *prometheus.GaugeVec
	aside        *prometheus.GaugeVec
	paused       prometheus.Gauge
	stalled      prometheus.Gauge
	stalls       prometheus.Counter
	retrying     prometheus.Gauge
	partitions   prometheus.Gauge
	lastProgress prometheus.Gauge
	commits      *prometheus.CounterVec
	fetchErrors  prometheus.Counter
}

// newMetrics makes the metrics orak_<name>_…, registered with reg unless it is
// nil.
func newMetrics(reg prometheus.Registerer, name string) *metrics {
	f, prefix := promauto.With(reg), "orak_"+name+"_"
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	}
	gauges := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, []string{"dependency"})
	}
	return &metrics{
		records: f.NewCounterVec(prometheus.CounterOpts{Name: prefix + "records_total", Help: "Records handled, by what became of them."}, []string{"outcome"}),
		delay: f.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "delay_seconds", Help: "Age of a record when it was handled, by its timestamp.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}),
		inflight:     gauge("inflight_records", "Records being handled that take a place in the in-flight budget."),
		buffered:     gauge("buffered_records", "Records fetched that wait for their turn."),
		limit:        gauges("limit_records", "Most records that are tried with a dependency at the same time: the in-flight budget while it keeps up, less while it throttles, is slow or does not answer."),
		aside:        gauges("aside_records", "Records that wait for a dependency, or for a long read from it, outside of the in-flight budget."),
		paused:       gauge("paused_partitions", "Partitions that are not fetched because their buffer is full."),
		stalled:      gauge("stalled_partitions", "Partitions in which records wait without progress."),
		stalls:       f.NewCounter(prometheus.CounterOpts{Name: prefix + "stalls_total", Help: "How often partitions began to be stalled."}),
		retrying:     gauge("retrying_records", "Records that wait to be tried again."),
		partitions:   gauge("assigned_partitions", "Partitions that this member owns."),
		lastProgress: gauge("last_progress_timestamp_seconds", "When a record was last handled, as Unix time; 0 before the first."),
		commits:      f.NewCounterVec(prometheus.CounterOpts{Name: prefix + "commits_total", Help: "Offset commits, by result: ok or failed."}, []string{"result"}),
		fetchErrors:  f.NewCounter(prometheus.CounterOpts{Name: prefix + "fetch_errors_total", Help: "Errors that fetches from Kafka returned."}),
	}
}
