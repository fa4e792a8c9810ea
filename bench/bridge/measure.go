package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak/bench/uploads"
	"orak/events"
	"orak/internal/kafka"
)

func measure(ctx context.Context, o options) (*report, error) {
	cfg, err := settings(o.inflight)
	if err != nil {
		return nil, err
	}
	rep := &report{Events: o.events, Inflight: cfg.Inflight}
	if o.rounds > 0 {
		if err := measureRates(ctx, o, rep); err != nil {
			return nil, err
		}
	}
	if o.processRounds > 0 {
		if rep.Processes, err = measureProcess(ctx, o, max(rep.Best, cfg.Inflight)); err != nil {
			return nil, err
		}
	}
	if rep.Distances, err = measureDistances(ctx, o, cfg.Inflight); err != nil {
		return nil, err
	}
	if o.backlog > 0 {
		if rep.Memory, err = measureMemory(ctx, o); err != nil {
			return nil, err
		}
	}
	return rep, nil
}

// measureRates finds the best concurrency of raw starts, and then measures
// everything against that, round after round.
func measureRates(ctx context.Context, o options, rep *report) error {
	most := 0.0
	for _, n := range o.concurrency {
		rate, err := withRig(ctx, o, func(r *rig) (float64, error) { return raw(ctx, r, uniform(o.events), n) })
		if err != nil {
			return err
		}
		progress("raw starts, %d at once: %.0f/s", n, rate)
		rep.Sweep = append(rep.Sweep, sweep{Concurrency: n, PerSecond: rate})
		if rate > most {
			most, rep.Best = rate, n
		}
	}
	for n := range o.rounds {
		progress("round %d of %d", n+1, o.rounds)
		m, err := measureRound(ctx, o, rep.Best)
		if err != nil {
			return err
		}
		rep.Rounds = append(rep.Rounds, m)
	}
	rep.summarize()
	return nil
}

func measureRound(ctx context.Context, o options, concurrency int) (m round, err error) {
	once, again := uniform(o.events), zipf(o.events, o.skew)
	rates := []struct {
		name string
		into *float64
		of   func(r *rig) (float64, error)
	}{
		{"raw, uniform", &m.RawUniform, func(r *rig) (float64, error) { return raw(ctx, r, once, concurrency) }},
		{"bridge, uniform", &m.BridgeUniform, func(r *rig) (float64, error) { return bridged(ctx, o, r, once) }},
		{"raw, Zipf", &m.RawZipf, func(r *rig) (float64, error) { return raw(ctx, r, again, concurrency) }},
		{"bridge, Zipf", &m.BridgeZipf, func(r *rig) (float64, error) { return bridged(ctx, o, r, again) }},
		{"one at a time", &m.Naive, func(r *rig) (float64, error) { return naive(ctx, r, once[:len(once)/4]) }},
	}
	for _, one := range rates {
		if *one.into, err = withRig(ctx, o, one.of); err != nil {
			return round{}, err
		}
		progress("  %s: %.0f/s", one.name, *one.into)
	}
	pace := o.pace * m.RawZipf
	m.Unordered, err = withRig(ctx, o, func(r *rig) (latency, error) { return paced(ctx, o, r, again, pace, false) })
	if err != nil {
		return round{}, err
	}
	m.Zipf, err = withRig(ctx, o, func(r *rig) (latency, error) { return paced(ctx, o, r, again, pace, true) })
	return m, err
}

// withRig measures against fresh servers.
func withRig[T any](ctx context.Context, o options, f func(*rig) (T, error)) (result T, err error) {
	r, err := newRig(ctx, o.binary, o.rtt)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	return f(r)
}

// raw starts the workflows of w without Kafka.
func raw(ctx context.Context, r *rig, w workload, concurrency int) (float64, error) {
	if err := uploads.StartAll(ctx, r.temporal, w, concurrency); err != nil {
		return 0, fmt.Errorf("starting without the bridge: %w", err)
	}
	return r.clock.rate(), nil
}

// bridged measures the bridge on w, which is complete when it begins.
func bridged(ctx context.Context, o options, r *rig, w workload) (float64, error) {
	if err := r.announce(ctx, w); err != nil {
		return 0, err
	}
	b, err := r.startBridge(ctx, o.inflight)
	if err != nil {
		return 0, err
	}
	last, err := b.await(ctx, len(w))
	if err := errors.Join(err, b.Stop(ctx)); err != nil {
		return 0, err
	}
	return float64(len(w)-1) / last.Sub(r.clock.began()).Seconds(), nil
}

// naive is the simple loop: a record, its start, its commit, the next.
func naive(ctx context.Context, r *rig, w workload) (float64, error) {
	if err := r.announce(ctx, w); err != nil {
		return 0, err
	}
	cl, err := kafka.NewClient(r.kafka, quiet(), append(r.far(), kgo.ConsumerGroup("naive"), kgo.ConsumeTopics(events.TopicUploads),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())...)
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	for done := 0; done < len(w); {
		fetches := cl.PollRecords(ctx, 1)
		if err := fetches.Err(); err != nil {
			return 0, err
		}
		for _, rec := range fetches.Records() {
			if err := handle(ctx, r, rec); err != nil {
				return 0, err
			}
			if err := cl.CommitRecords(ctx, rec); err != nil {
				return 0, err
			}
			done++
		}
	}
	return r.clock.rate(), nil
}

func handle(ctx context.Context, r *rig, rec *kgo.Record) error {
	e, err := events.FromRecord(rec)
	if err != nil {
		return err
	}
	received, err := e.Received()
	if err != nil {
		return err
	}
	i, err := uploads.Number(string(received.Upload.ID))
	if err != nil {
		return err
	}
	return uploads.Start(ctx, r.temporal, rec, i)
}

// paced announces w at so many events per second, even if the bridge does not keep
// up. inOrder keeps the keys by which the bridge orders the events.
func paced(ctx context.Context, o options, r *rig, w workload, perSecond float64, inOrder bool) (latency, error) {
	b, err := r.startBridge(ctx, o.inflight)
	if err != nil {
		return latency{}, err
	}
	if err := errors.Join(r.pace(ctx, b, w, perSecond, inOrder), b.Stop(ctx)); err != nil {
		return latency{}, err
	}
	slices.Sort(r.clock.started)
	return latency{P50MS: quantile(r.clock.started, 0.5), P99MS: quantile(r.clock.started, 0.99)}, nil
}

func (r *rig) pace(ctx context.Context, b *running, w workload, perSecond float64, inOrder bool) error {
	// One event first, so that the bridge has joined the group.
	if err := r.announce(ctx, workload{len(w)}); err != nil {
		return err
	}
	if _, err := b.await(ctx, 1); err != nil {
		return err
	}
	if err := r.send(ctx, w, perSecond, inOrder); err != nil {
		return err
	}
	_, err := b.await(ctx, len(w)+1)
	return err
}

func (r *rig) send(ctx context.Context, w workload, perSecond float64, inOrder bool) error {
	producer := kafka.NewProducer(r.cl)
	failures := make(chan error, len(w))
	began := time.Now()
	for at, i := range w {
		rec, err := uploads.Record(i)
		if err != nil {
			return err
		}
		if !inOrder {
			unordered(rec, at)
		}
		due := began.Add(time.Duration(float64(at) / perSecond * float64(time.Second)))
		time.Sleep(time.Until(due))
		r.clock.announce(i, due)
		producer.PublishAsync(ctx, rec, func(err error) { failures <- err })
	}
	for range w {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}
