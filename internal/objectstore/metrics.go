package objectstore

import "github.com/prometheus/client_golang/prometheus"

// metrics are the metrics of one Store.
type metrics struct {
	buffered prometheus.Gauge
	sending  prometheus.Gauge
	gaveUp   prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		buffered: prometheus.NewGauge(prometheus.GaugeOpts{Name: "orak_store_buffer_bytes", Help: "Memory in bytes that holds what was read of bodies and is not stored yet."}),
		sending:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "orak_store_sending", Help: "Bodies and parts that are being sent to the object store; s3-parts bounds them."}),
		gaveUp:   prometheus.NewCounter(prometheus.CounterOpts{Name: "orak_store_part_wait_exceeded_total", Help: "Puts that failed because s3-parts others were being sent for all of s3-part-wait."}),
	}
}
