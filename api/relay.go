package api

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"orak"
	"orak/events"
	"orak/internal/objectstore"
)

const (
	// relayRetry is the first wait after a search that failed; it doubles up
	// to Config.OutboxInterval.
	relayRetry = time.Second
	// relayTimeout bounds the sending of one event.
	relayTimeout = 10 * time.Second
)

// relay searches the outbox until it is stopped or ctx ends: at once for what is left
// of an earlier process, then from time to time, and sooner after a failure.
func (o *outbox) relay(ctx context.Context, began time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-o.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	retry := relayRetry
	for {
		wait := o.cfg.OutboxInterval
		if err := o.search(ctx, began); err != nil {
			if ctx.Err() != nil {
				return
			}
			o.log.Warn("the outbox could not be emptied; it is tried again", slog.Any("error", err), slog.Duration("wait", retry))
			wait, retry = retry, min(2*retry, o.cfg.OutboxInterval)
		} else {
			retry = relayRetry
		}
		if !o.pause(ctx, wait) {
			return
		}
	}
}

// pause waits, but for a second at most when an event has failed meanwhile.
func (o *outbox) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	wake := o.wake
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

// found is a marker in the outbox.
type found struct {
	tenant orak.Tenant
	id     orak.UploadID
	// at is when it was written.
	at time.Time
}

// pass is one search of the outbox.
type pass struct {
	failed atomic.Int64
	// unsent counts the events that could not be sent, since the last one
	// that could.
	unsent atomic.Int64
}

// maxUnsent ends a search: Kafka is down, and not one partition of it.
const maxUnsent = 16

var errUnfinished = errors.New("some uploads in the outbox could not be announced")

// search handles every marker that is old enough once. One that fails does
// not keep the others back.
func (o *outbox) search(ctx context.Context, began time.Time) error {
	var (
		p     pass
		group errgroup.Group
	)
	group.SetLimit(o.cfg.OutboxWorkers)
	pending, oldest, now := 0, time.Duration(0), time.Now()
	young := now.Add(-o.cfg.OutboxMinAge)
	// Some stores date their objects by the second: those of the second in
	// which the process began count as older.
	if older := began.Truncate(time.Second).Add(time.Second); young.Before(older) {
		young = older
	}
	gone := o.given()
	for info, err := range o.store.List(ctx, orak.PendingPrefix) {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		t, id, ok := orak.ParsePendingKey(info.Key)
		if !ok {
			o.log.Debug("an object in the outbox is no marker", slog.String("key", info.Key))
			continue
		}
		pending++
		delete(gone, id)
		oldest = max(oldest, now.Sub(info.ModifiedAt))
		f := found{t, id, info.ModifiedAt}
		if o.takes(f, young) && p.unsent.Load() < maxUnsent {
			group.Go(func() error { o.handle(ctx, f, &p); return nil })
		}
	}
	o.forget(gone)
	o.metrics.pending.Set(float64(pending))
	o.metrics.oldest.Set(oldest.Seconds())
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	if p.failed.Load() > 0 {
		return errUnfinished
	}
	return nil
}

// takes reports whether a marker is the relay's: not one of an upload that is
// still running, nor one whose event the producer still has.
func (o *outbox) takes(f found, young time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.inFlight[f.id] > 0 {
		return false
	}
	return o.due[f.id] || f.at.Before(young)
}

// handle announces one upload, or drops its marker where there is nothing to
// announce.
func (o *outbox) handle(ctx context.Context, f found, p *pass) {
	log := o.log.With(slog.String("upload_id", string(f.id)), slog.String("tenant", string(f.tenant)))
	if err := o.relayOne(ctx, f, p, log); err != nil {
		p.failed.Add(1)
		o.metrics.relayFail.Inc()
		log.Warn("an upload in the outbox could not be announced", slog.Any("error", err))
		return
	}
	o.forget(map[orak.UploadID]bool{f.id: true})
}

// given are the uploads that the producer gave up.
func (o *outbox) given() map[orak.UploadID]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.due)
}

// forget takes uploads from those that are due: they are announced, or another
// replica has announced them.
func (o *outbox) forget(ids map[orak.UploadID]bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range ids {
		delete(o.due, id)
	}
}

func (o *outbox) relayOne(ctx context.Context, f found, p *pass, log *slog.Logger) error {
	m, err := o.read(ctx, f.tenant, f.id)
	if errors.Is(err, objectstore.ErrNotFound) {
		return nil // another one was faster
	}
	if err != nil {
		return err
	}
	info, err := o.store.Stat(ctx, orak.OriginalKey(f.tenant, f.id))
	if errors.Is(err, objectstore.ErrNotFound) {
		return o.dropStale(ctx, f, log)
	}
	if err != nil {
		return err
	}
	if m.Validate() != nil || m.Size != info.Size {
		sum, err := hashObject(ctx, o.store, info.Key)
		if err != nil {
			return err
		}
		m.Upload = m.completed(orak.Upload{
			ID: f.id, Tenant: f.tenant, Key: info.Key, ContentType: info.ContentType,
			Size: info.Size, SHA256: sum, ReceivedAt: info.ModifiedAt,
		})
	}
	e, err := m.event()
	if err != nil {
		return err
	}
	sendCtx, cancel := context.WithTimeout(ctx, relayTimeout)
	defer cancel()
	if err := o.events.PublishEvent(sendCtx, events.TopicUploads, e); err != nil {
		p.unsent.Add(1)
		return err
	}
	p.unsent.Store(0)
	o.metrics.relayed.WithLabelValues("published").Inc()
	log.Info("an upload was announced from the outbox", slog.Duration("age", time.Since(f.at)))
	return o.store.Delete(ctx, orak.PendingKey(f.tenant, f.id))
}

// dropStale removes the marker of an upload that was never stored, and so was
// never answered with 202, once nobody can be sending it any more.
func (o *outbox) dropStale(ctx context.Context, f found, log *slog.Logger) error {
	if time.Since(f.at) < o.cfg.OutboxGrace {
		return nil
	}
	key := orak.PendingKey(f.tenant, f.id)
	info, err := o.store.Stat(ctx, key)
	if errors.Is(err, objectstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	// A listing has milliseconds, a single object's date has not.
	if !info.ModifiedAt.Truncate(time.Second).Equal(f.at.Truncate(time.Second)) {
		return nil // somebody is sending it again
	}
	if err := o.store.Delete(ctx, key); err != nil {
		return err
	}
	o.metrics.relayed.WithLabelValues("dropped").Inc()
	log.Warn("an upload's marker was dropped: its recording never arrived", slog.Time("begun_at", f.at))
	return nil
}
