package api

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"orak/internal/outbox"
)

// relayRetry is the first wait after a failed search. It doubles up to
// Config.OutboxInterval.
const relayRetry = time.Second

// relay searches the outbox until it is stopped or ctx ends: at once for the
// markers of earlier processes, then every Config.OutboxInterval, and sooner after
// a failure. It begins when bucket is closed, so that a bucket which is still being
// created is not reported as an outage; nil means at once.
func (a *announcer) relay(ctx context.Context, bucket <-chan struct{}, began time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-a.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	if bucket != nil {
		select {
		case <-bucket:
		case <-ctx.Done():
			return
		}
	}
	retry := backoff.ExponentialBackOff{InitialInterval: relayRetry, Multiplier: 2, MaxInterval: a.cfg.OutboxInterval}
	retry.Reset()
	for {
		wait := a.cfg.OutboxInterval
		if err := a.search(ctx, began); err != nil {
			if ctx.Err() != nil {
				return
			}
			a.outages.Report(err)
			wait = retry.NextBackOff()
			a.log.WarnContext(ctx, "the outbox could not be emptied; trying again", "error", err, "wait", wait)
		} else {
			retry.Reset()
		}
		if !a.pause(ctx, wait) {
			return
		}
	}
}

// pause waits, but at most relayRetry longer once an event has failed.
func (a *announcer) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	wake := a.wake
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-wake:
			wake = nil
			timer.Reset(min(wait, relayRetry))
		}
	}
}

// pass is one search of the outbox.
type pass struct {
	failed atomic.Int64
	brakes outbox.Brakes
}

var errUnfinished = errors.New("some outbox markers could not be published")

// search handles every marker that is old enough once. A marker that fails does
// not block the others, unless all of its kind fail; the markers are counted either
// way.
func (a *announcer) search(ctx context.Context, began time.Time) error {
	var (
		p     pass
		group errgroup.Group
	)
	group.SetLimit(a.cfg.OutboxWorkers)
	pending, oldest, now := 0, time.Duration(0), time.Now()
	young := now.Add(-a.cfg.OutboxMinAge)
	// Some stores date objects to the second: markers of the second in which the
	// process began count as older.
	if older := began.Truncate(time.Second).Add(time.Second); young.Before(older) {
		young = older
	}
	gone := a.given()
	for f, err := range a.box.Walk(ctx, "") {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		pending++
		delete(gone, f.ObjectKey())
		oldest = max(oldest, now.Sub(f.At))
		if a.takes(f, young) {
			group.Go(func() error { a.handle(ctx, f, &p); return nil })
		}
	}
	a.forget(gone)
	a.metrics.pending.Set(float64(pending))
	a.metrics.oldest.Set(oldest.Seconds())
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	if p.failed.Load() > 0 {
		return errUnfinished
	}
	return nil
}

// takes reports whether the relay handles a marker: not while its upload may be
// running, nor while the producer has its event.
func (a *announcer) takes(f outbox.Found, young time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inFlight[f.ObjectKey()] > 0 {
		return false
	}
	return a.due[f.ObjectKey()] || f.At.Before(young)
}

// handle publishes or drops one marker.
func (a *announcer) handle(ctx context.Context, f outbox.Found, p *pass) {
	brake := p.brakes.Of(f)
	if brake.On() {
		return
	}
	outcome, err := a.box.Publish(ctx, f)
	brake.Count(outcome, err)
	if err != nil {
		a.outages.Report(err)
		p.failed.Add(1)
		a.metrics.relayFail.Inc()
		a.log.WarnContext(ctx, "an outbox marker could not be published", "upload_id", f.ID, "tenant", f.Tenant, "error", err)
		return
	}
	if outcome != outbox.Left {
		a.metrics.relayed.WithLabelValues(string(outcome)).Inc()
	}
	a.forget(map[string]bool{f.ObjectKey(): true})
}

// given returns the keys of the markers whose event the producer gave up.
func (a *announcer) given() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.due)
}

// forget removes markers from due: this or another replica has sent their events.
func (a *announcer) forget(keys map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range keys {
		delete(a.due, key)
	}
}
