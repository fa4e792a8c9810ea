package listen

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	open    prometheus.Gauge
	evicted prometheus.Counter
	refused prometheus.Counter
	failed  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, listener string) *metrics {
	f := promauto.With(prometheus.WrapRegistererWith(prometheus.Labels{"listener": listener}, reg))
	return &metrics{
		open:    f.NewGauge(prometheus.GaugeOpts{Name: "orak_connections", Help: "Open client connections."}),
		evicted: f.NewCounter(prometheus.CounterOpts{Name: "orak_connections_evicted_total", Help: "Connections without a request in flight that were closed to make room for new ones."}),
		refused: f.NewCounter(prometheus.CounterOpts{Name: "orak_connections_refused_total", Help: "Connections answered 503 because all others had a request in flight."}),
		failed:  f.NewCounter(prometheus.CounterOpts{Name: "orak_accept_failures_total", Help: "Failed attempts to accept a connection, for example for lack of file descriptors."}),
	}
}
