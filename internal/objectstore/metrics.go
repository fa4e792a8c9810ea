package objectstore

import "github.com/prometheus/client_golang/prometheus"

// metrics are those of one Store.
type metrics struct {
	buffered prometheus.Gauge
	sending  prometheus.Gauge
	gaveUp   prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		buffered: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_store_buffer_bytes", Help: "Memory taken by what was read of bodies and is not stored yet.",
		}),
		sending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_store_sending", Help: "Bodies and parts that are being sent to the object store and have a place; s3-parts bounds them.",
		}),
		gaveUp: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_store_part_wait_exceeded_total", Help: "Puts that failed because no place was free within s3-part-wait.",
		}),
	}
}
