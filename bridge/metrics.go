package bridge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// outcome is what became of a record; the set is closed, as it labels a
// metric.
type outcome string

const (
	// outcomeStarted: its workflow was started by this very handling.
	outcomeStarted outcome = "started"
	// outcomeDuplicate: its workflow was there already.
	outcomeDuplicate outcome = "duplicate"
	// outcomeDeadLettered: it is on the dead-letter topic.
	outcomeDeadLettered outcome = "dead_lettered"
	// outcomeSkipped: an event that is not for the bridge.
	outcomeSkipped outcome = "skipped"
	// outcomeAbandoned: given up for now, for the partition's next owner to
	// handle; it is not committed.
	outcomeAbandoned outcome = "abandoned"
)

// settled says that nobody needs to handle the record again.
func (o outcome) settled() bool { return o != outcomeAbandoned }

type metrics struct {
	records      *prometheus.CounterVec
	start        prometheus.Histogram
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

// newMetrics registers with reg; nil measures for nobody.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	buckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	return &metrics{
		records: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_bridge_records_total",
			Help: "Records handled, by what became of them.",
		}, []string{"outcome"}),
		start: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "orak_bridge_start_seconds",
			Help:    "Time from a record's turn to the durable start of its workflow, tries included.",
			Buckets: buckets,
		}),
		delay: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "orak_bridge_delay_seconds",
			Help:    "Age of a record when it was settled, by its timestamp.",
			Buckets: buckets,
		}),
		inflight: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_inflight_records",
			Help: "Records being handled that take a place in the in-flight budget.",
		}),
		buffered: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_buffered_records",
			Help: "Records fetched that wait for their turn.",
		}),
		limit: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orak_bridge_limit_records",
			Help: "Records that a dependency (temporal, kafka or store) is asked for at the same time at most: the in-flight budget while it keeps up, less while it throttles, is slow or does not answer.",
		}, []string{"dependency"}),
		aside: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orak_bridge_aside_records",
			Help: "Records that wait for a dependency (temporal, kafka or store), or for a long read from it, outside of the in-flight budget.",
		}, []string{"dependency"}),
		paused: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_paused_partitions",
			Help: "Partitions that are not fetched because enough of them waits.",
		}),
		stalled: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_stalled_partitions",
			Help: "Partitions in which records wait and nothing moves.",
		}),
		stalls: f.NewCounter(prometheus.CounterOpts{
			Name: "orak_bridge_stalls_total",
			Help: "How often the bridge began to stand still.",
		}),
		retrying: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_retrying_records",
			Help: "Records that wait to be tried again.",
		}),
		partitions: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_assigned_partitions",
			Help: "Partitions that this bridge owns.",
		}),
		lastProgress: f.NewGauge(prometheus.GaugeOpts{
			Name: "orak_bridge_last_progress_timestamp_seconds",
			Help: "When a record was last settled, as Unix time; 0 before the first.",
		}),
		commits: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_bridge_commits_total",
			Help: "Offset commits, by result: ok or failed.",
		}, []string{"result"}),
		fetchErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "orak_bridge_fetch_errors_total",
			Help: "Errors that Kafka's fetches gave.",
		}),
	}
}
