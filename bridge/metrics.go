package bridge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak/internal/kafka/consume"
)

// outcome is what became of a record; the set is closed, as it labels a
// metric.
type outcome string

const (
	// outcomeStarted: its workflow was started now.
	outcomeStarted outcome = "started"
	// outcomeDuplicate: its workflow was started before.
	outcomeDuplicate outcome = "duplicate"
	// outcomeDeadLettered: it is on the dead-letter topic, or its upload is parked.
	outcomeDeadLettered outcome = "dead_lettered"
	// outcomeSkipped: an event that is not for the bridge.
	outcomeSkipped outcome = "skipped"
	// outcomeErased: a notification of a recording that no longer exists.
	outcomeErased outcome = "erased"
	// outcomeErasing: the erasure of the upload was started now.
	outcomeErasing outcome = "erasing"
	// outcomeCanceled: the workflow has been asked to end.
	outcomeCanceled outcome = "canceled"
	// outcomeNotRunning: there was nothing to cancel. The workflow has ended, or
	// was not started yet; then it will be, since a cancellation is not kept.
	// Records of one key are handled in order, so that this happens only to an
	// upload that is announced after it is canceled.
	outcomeNotRunning outcome = "not_running"
	// outcomeAbandoned: given up for now, for the partition's next owner.
	outcomeAbandoned outcome = consume.Abandoned
)

type metrics struct {
	start    prometheus.Histogram
	notified *prometheus.CounterVec
}

// newMetrics registers with reg, unless it is nil. What the consumer measures of
// the bridge is not here.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		start: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "orak_bridge_start_seconds",
			Help:    "Time from a record's turn to the durable start of its workflow, tries included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}),
		notified: f.NewCounterVec(prometheus.CounterOpts{Name: "orak_bridge_notified_objects_total", Help: "Objects in bucket notifications, by what became of them: started, duplicate, erased, skipped or dead_lettered."}, []string{"outcome"}),
	}
}
