package control

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	live    prometheus.Gauge
	refused prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, v *View) *metrics {
	f := promauto.With(reg)
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "orak_control_documents", Help: "Documents of the control plane that this process keeps."}, func() float64 {
		return float64(len(v.current().byKey))
	})
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "orak_control_document_bytes", Help: "Size of these documents."}, func() float64 {
		return float64(v.current().bytes)
	})
	return &metrics{
		live:    f.NewGauge(prometheus.GaugeOpts{Name: "orak_control_live", Help: "1 while the control topic is followed; 0 while the documents may be out of date."}),
		refused: f.NewCounter(prometheus.CounterOpts{Name: "orak_control_refused_documents_total", Help: "Control documents that are malformed or hold a value out of bounds. The last good one stays in effect."}),
	}
}

// kindOf returns the kind of a document, which may be logged: a key may name a person.
func kindOf(key string) string {
	kind, _, ok := strings.Cut(key, "/")
	if !ok || len(kind) > 20 {
		return "unknown"
	}
	return kind
}
