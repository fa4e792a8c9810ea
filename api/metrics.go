package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the metrics of the server. No label value is chosen by a caller.
type metrics struct {
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	uploads    *prometheus.CounterVec
	bytes      prometheus.Counter
	receiving  prometheus.Gauge
	turnedAway *prometheus.CounterVec
	watchers   prometheus.Gauge
	watched    prometheus.Gauge
	polls      prometheus.Counter
	late       prometheus.Counter

	pending   prometheus.Gauge
	oldest    prometheus.Gauge
	relayed   *prometheus.CounterVec
	relayFail prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_api_requests_total", Help: "Answered requests.",
		}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orak_api_request_duration_seconds", Help: "Time to the first byte of the answer, including the receipt of the body.",
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"route", "method"}),
		uploads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_api_uploads_total", Help: "Uploads by outcome: accepted, repeated, or the code of the problem.",
		}, []string{"outcome"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_api_upload_bytes_total", Help: "Bytes of accepted recordings.",
		}),
		receiving: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_api_uploads_in_flight", Help: "Uploads that are being received; api-max-uploads bounds them.",
		}),
		turnedAway: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_api_uploads_turned_away_total", Help: "Uploads refused because of api-max-uploads (full) or api-max-tenant-uploads (tenant), or evicted because they were too slow (slow).",
		}, []string{"reason"}),
		watchers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_api_watchers", Help: "Open event streams.",
		}),
		watched: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_api_watched_uploads", Help: "Uploads that event streams watch; each is polled once for all of its streams.",
		}),
		polls: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_api_watch_polls_total", Help: "Polls of uploads that event streams watch.",
		}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_outbox_late_total", Help: "Uploads and erasures answered before Kafka had acknowledged their event.",
		}),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_outbox_pending", Help: "Markers in the outbox at the last search, including those of running uploads.",
		}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orak_outbox_oldest_age_seconds", Help: "Age of the oldest marker at the last search of the outbox; 0 without markers.",
		}),
		relayed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_outbox_relayed_total", Help: "Markers handled by the relay: published, or dropped because there was nothing to announce.",
		}, []string{"outcome"}),
		relayFail: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orak_outbox_failures_total", Help: "Failed attempts to publish an event or to search the outbox.",
		}),
	}
	reg.MustRegister(m.requests, m.durations, m.uploads, m.bytes, m.receiving, m.turnedAway, m.watchers, m.watched, m.polls, m.late,
		m.pending, m.oldest, m.relayed, m.relayFail)
	return m
}

func (m *metrics) served(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != routeNone {
		m.durations.WithLabelValues(route, method).Observe(took.Seconds())
	}
}
