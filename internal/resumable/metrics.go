package resumable

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	running    prometheus.Gauge
	held       prometheus.Gauge
	unfinished prometheus.Gauge
	turnedAway prometheus.Counter
	bytes      prometheus.Counter
	ended      *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		running:    f.NewGauge(prometheus.GaugeOpts{Name: "orak_tus_requests", Help: "Running requests that send bytes of resumable uploads; api-tus-max-requests bounds them."}),
		held:       f.NewGauge(prometheus.GaugeOpts{Name: "orak_tus_memory_bytes", Help: "Memory in bytes of the requests of resumable uploads; api-tus-memory bounds it, but for 64 KiB of each request and some parts."}),
		unfinished: f.NewGauge(prometheus.GaugeOpts{Name: "orak_tus_unfinished_uploads", Help: "Resumable uploads that are not complete at the last sweep, including those that were terminated and have not expired."}),
		turnedAway: f.NewCounter(prometheus.CounterOpts{Name: "orak_tus_turned_away_total", Help: "Resumable uploads refused because of api-tus-max-tenant-uploads."}),
		bytes:      f.NewCounter(prometheus.CounterOpts{Name: "orak_tus_bytes_total", Help: "Bytes of completed resumable uploads."}),
		ended:      f.NewCounterVec(prometheus.CounterOpts{Name: "orak_tus_uploads_total", Help: "Resumable uploads by event: created, completed, terminated, refused, expired, or lost (its multipart upload was removed from the store)."}, []string{"event"}),
	}
}
