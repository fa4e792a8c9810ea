package index

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	applied, known           prometheus.Counter
	skipped, foreign, buried prometheus.Counter
	write                    prometheus.Histogram
	pruned                   prometheus.Counter
}

// newMetrics registers with reg, unless it is nil. What the consumer measures of the
// index is not here.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	events := f.NewCounterVec(prometheus.CounterOpts{
		Name: "orak_index_events_total",
		Help: "Events, by what became of them: applied; known, since they were in the index already; skipped, of a type that says nothing of an upload's state; foreign, records of orak.uploads that only the bridge judges; buried on the dead-letter topic.",
	}, []string{"result"})
	return &metrics{
		applied: events.WithLabelValues("applied"), known: events.WithLabelValues("known"), skipped: events.WithLabelValues("skipped"),
		foreign: events.WithLabelValues("foreign"), buried: events.WithLabelValues("buried"),
		pruned: f.NewCounter(prometheus.CounterOpts{Name: "orak_index_pruned_acts_total", Help: "Records of who did what that were removed, since they are older than audit-retention."}),
		write: f.NewHistogram(prometheus.HistogramOpts{
			Name: "orak_index_write_seconds", Help: "Duration of the transaction of a batch.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
	}
}
