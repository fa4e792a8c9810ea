package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	events             *prometheus.CounterVec
	buried             prometheus.Counter
	started            *prometheus.CounterVec
	attempts, ended    *prometheus.CounterVec
	attempt            prometheus.Histogram
	paused             *prometheus.CounterVec
	underway, webhooks prometheus.Gauge
}

// newMetrics registers with reg, unless it is nil. What the consumer measures is not here.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		events: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_webhooks_events_total",
			Help: "Events, by what became of them: started, at least one delivery; unwanted, by no webhook of the tenant; skipped, of a type that this version does not know; buried on the dead-letter topic.",
		}, []string{"result"}),
		started: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_webhooks_deliveries_started_total",
			Help: "Deliveries that were started here, by result: started; known, since the event was read before.",
		}, []string{"result"}),
		attempts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_webhooks_attempts_total",
			Help: "Attempts to deliver, by result: delivered; an answer of class 3xx, 4xx or 5xx; timeout; connection, for no whole answer; forbidden, for an address that is not dialled; waiting, for no place and no request.",
		}, []string{"result"}),
		ended: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_webhooks_deliveries_ended_total",
			Help: "Deliveries that ended in an attempt, by result: delivered, gone, paused or removed; exhausted, after failing to the end of their time, is counted where they are judged.",
		}, []string{"result"}),
		attempt: f.NewHistogram(prometheus.HistogramOpts{
			Name: "orak_webhooks_attempt_seconds", Help: "Duration of a request to a receiver.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
		}),
		paused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_webhooks_paused_total", Help: "Webhooks that were paused since they failed, by cause: gone or failing.",
		}, []string{"cause"}),
		underway: f.NewGauge(prometheus.GaugeOpts{Name: "orak_webhooks_underway", Help: "Requests to receivers that are underway."}),
		webhooks: f.NewGauge(prometheus.GaugeOpts{Name: "orak_webhooks_remembered", Help: "Webhooks whose pace this process remembers."}),
	}
	for _, cause := range []string{pauseGone, pauseFailing} { // before the first, which is to be seen
		m.paused.WithLabelValues(cause)
	}
	m.buried = m.events.WithLabelValues("buried")
	return m
}
