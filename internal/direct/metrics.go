package direct

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the metrics of Uploads. No label value is chosen by a caller.
type metrics struct {
	ended      *prometheus.CounterVec
	open       prometheus.Gauge
	oldest     prometheus.Gauge
	verifying  prometheus.Gauge
	turnedAway prometheus.Counter
	removed    prometheus.Counter
	failures   prometheus.Counter
	dropped    prometheus.Counter
}

// The outcomes of a direct upload.
const (
	outcomeCreated  = "created"
	outcomeAccepted = "accepted"
	outcomeRefused  = "refused"
	outcomeAborted  = "aborted"
	outcomeExpired  = "expired"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		ended:      f.NewCounterVec(prometheus.CounterOpts{Name: "orak_direct_uploads_total", Help: "Direct uploads by what became of them: created, accepted, refused, aborted or expired."}, []string{"outcome"}),
		open:       gauge("orak_direct_open", "Direct uploads at the last sweep, of all tenants; direct-max-tenant-uploads bounds those of each."),
		oldest:     gauge("orak_direct_oldest_age_seconds", "Age of the oldest direct upload at the last sweep; 0 without any."),
		verifying:  gauge("orak_direct_verifying", "Direct uploads that are being verified; direct-completions bounds them."),
		turnedAway: counter("orak_direct_turned_away_total", "Direct uploads refused because of direct-max-tenant-uploads."),
		removed:    counter("orak_direct_orphans_removed_total", "Recordings and unfinished parts removed because no direct upload owns them."),
		failures:   counter("orak_direct_failures_total", "Direct uploads that a sweep could not handle, and sweeps that could not list them."),
		dropped:    counter("orak_direct_hints_dropped_total", "Notifications of the store that found too many others waiting; the sweep handles their uploads."),
	}
	for _, outcome := range []string{outcomeCreated, outcomeAccepted, outcomeRefused, outcomeAborted, outcomeExpired} {
		m.ended.WithLabelValues(outcome)
	}
	return m
}
