package api

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak/internal/observe"
)

// metrics are the metrics of the server. No label value is chosen by a caller.
type metrics struct {
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	uploads    *prometheus.CounterVec
	bytes      prometheus.Counter
	receiving  prometheus.Gauge
	limited    *prometheus.CounterVec
	denied     *prometheus.CounterVec
	logins     *prometheus.CounterVec
	turnedAway *prometheus.CounterVec
	downloads  prometheus.Gauge
	waveforms  prometheus.Gauge
	counting   prometheus.Gauge
	watchers   prometheus.Gauge
	watched    prometheus.Gauge
	polls      prometheus.Counter
	late       prometheus.Counter
	imports    *prometheus.CounterVec
	unranked   prometheus.Counter

	pending   prometheus.Gauge
	oldest    prometheus.Gauge
	relayed   *prometheus.CounterVec
	relayFail prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return &metrics{
		requests: counters("orak_api_requests_total", "Answered requests.", "route", "method", "status"),
		durations: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orak_api_request_duration_seconds", Help: "Time to the first byte of the answer, including the receipt of the body.",
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"route", "method"}),
		uploads:    counters("orak_api_uploads_total", "Uploads by outcome: accepted, repeated, or the code of the problem.", "outcome"),
		bytes:      counter("orak_api_upload_bytes_total", "Bytes of accepted recordings."),
		receiving:  gauge("orak_api_uploads_in_flight", "Uploads that are being received; api-max-uploads bounds them."),
		limited:    counters("orak_api_limited_requests_total", "Requests refused because their tenant has reached api-max-tenant-requests (requests) or api-max-tenant-day-bytes (day-bytes).", "limit"),
		denied:     counters("orak_api_denied_requests_total", "Requests without a valid credential (missing, invalid, expired), whose credential could not be verified (unavailable), is for another tenant (tenant), lacks the scope (scope), or comes with a session's cookie and without its proof (csrf).", "reason"),
		logins:     counters("orak_api_logins_total", "Attempts to log in, by way (key, code, oidc) and outcome: accepted, or the code of the problem.", "way", "outcome"),
		turnedAway: counters("orak_api_uploads_turned_away_total", "Uploads refused because of api-max-uploads (full) or api-max-tenant-uploads (tenant), evicted because they were too slow (slow), or refused while uploads are paused (paused).", "reason"),
		waveforms:  gauge("orak_api_waveforms_in_flight", "Waveforms that are being made; api-max-waveforms and api-max-tenant-waveforms bound them."),
		counting:   gauge("orak_api_dead_letter_counts_in_flight", "Counts of dead letters by a text or a time, which read each of them; api-max-counts and api-max-tenant-counts bound them."),
		downloads:  gauge("orak_api_downloads_in_flight", "Results and recordings that are being sent; api-max-downloads and api-max-tenant-downloads bound them."),
		watchers:   gauge("orak_api_watchers", "Open event streams."),
		watched:    gauge("orak_api_watched_uploads", "Uploads that event streams watch; each is polled once for all of its streams."),
		polls:      counter("orak_api_watch_polls_total", "Polls of uploads that event streams watch."),
		late:       counter("orak_outbox_late_total", "Uploads and erasures answered before Kafka had acknowledged their event."),
		imports:    counters("orak_api_song_imports_total", "Imports of songs by outcome: imported, or the code of the problem.", "outcome"),
		unranked:   counter("orak_api_rankings_cut_total", "Rankings that left songs out because of api-max-ranked-songs."),
		pending:    gauge("orak_outbox_pending", "Markers in the outbox at the last search, including those of running uploads."),
		oldest:     gauge("orak_outbox_oldest_age_seconds", "Age of the oldest marker at the last search of the outbox; 0 without markers."),
		relayed:    counters("orak_outbox_relayed_total", "Markers handled by the relay: published, or dropped because there was nothing to announce.", "outcome"),
		relayFail:  counter("orak_outbox_failures_total", "Failed attempts to publish an event or to search the outbox."),
	}
}

func (m *metrics) served(ctx context.Context, route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != routeNone {
		observe.Record(ctx, m.durations.WithLabelValues(route, method), took.Seconds())
	}
}
