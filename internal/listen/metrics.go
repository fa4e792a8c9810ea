package listen

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	open    prometheus.Gauge
	evicted prometheus.Counter
	refused prometheus.Counter
	failed  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, listener string) *metrics {
	labels := prometheus.Labels{"listener": listener}
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_connections", Help: "Open client connections.", ConstLabels: labels,
		}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_connections_evicted_total", Help: "Connections without a request in flight that were closed to make room for new ones.", ConstLabels: labels,
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_connections_refused_total", Help: "Connections answered 503 because all others had a request in flight.", ConstLabels: labels,
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_accept_failures_total", Help: "Failed attempts to accept a connection, for example for lack of file descriptors.", ConstLabels: labels,
		}),
	}
	reg.MustRegister(m.open, m.evicted, m.refused, m.failed)
	return m
}
