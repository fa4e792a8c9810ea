package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orak/bridge"
	"orak/internal/kafka"
)

// running is the running bridge with its metrics, which count every handled event:
// not every one reaches the server.
type running struct {
	*bridge.Bridge
	reg *prometheus.Registry
}

// startBridge runs the real bridge with its default settings.
func (r *rig) startBridge(ctx context.Context, inflight int) (*running, error) {
	cfg, err := settings(inflight)
	if err != nil {
		return nil, err
	}
	reg := prometheus.NewRegistry()
	b := bridge.New(cfg, bridge.Deps{
		Kafka: r.kafka, KafkaOpts: append(r.far(), kafka.Metrics(prometheus.NewRegistry())), Temporal: r.temporal, Namespace: namespace,
		Publisher: kafka.NewProducer(r.cl), Log: quiet(), Metrics: reg,
	})
	return &running{b, reg}, b.Start(ctx)
}

// lookEvery is the interval at which the bridge's metrics are read. Results do not
// depend on it.
const lookEvery = 10 * time.Millisecond

// await returns once n events are handled, with the time of the last.
func (b *running) await(ctx context.Context, n int) (time.Time, error) {
	return await(ctx, b.reg, lookEvery, n)
}

// await returns once a bridge with those metrics has handled n events, with the time
// of the last.
func await(ctx context.Context, metrics prometheus.Gatherer, every time.Duration, n int) (time.Time, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		handled, last, err := progressOf(metrics)
		if err != nil || handled >= n {
			return last, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, fmt.Errorf("waiting for %d events, %d are handled: %w", n, handled, ctx.Err())
		}
	}
}

// progressOf returns the number of handled events, and the time of the last.
func progressOf(metrics prometheus.Gatherer) (handled int, last time.Time, err error) {
	families, err := metrics.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "orak_bridge_records_total":
				if outcome := m.GetLabel()[0].GetValue(); outcome != "started" && outcome != "duplicate" {
					err = errors.Join(err, fmt.Errorf("an event was %s", outcome))
				}
				handled += int(m.GetCounter().GetValue())
			case "orak_bridge_last_progress_timestamp_seconds":
				seconds, fraction := math.Modf(m.GetGauge().GetValue())
				last = time.Unix(int64(seconds), int64(fraction*1e9))
			}
		}
	}
	return handled, last, err
}
