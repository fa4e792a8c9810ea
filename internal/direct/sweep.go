package direct

import (
	"context"
	"errors"
	"io/fs"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"orak"
	"orak/internal/objectstore"
)

// The bounds of a sweep.
const (
	// orphanAge is the age from which on bytes without a description are removed.
	orphanAge = 10 * time.Minute
	// expiryGrace is how long after its expiry an upload may still be completed: a PUT
	// that began in time may end later.
	expiryGrace = 10 * time.Minute
	// maxFailures in a row end a sweep: the store is away.
	maxFailures = 8
	// maxHints bounds the notifications that wait.
	maxHints = 1000
)

// hint names a direct upload that may be whole.
type hint struct {
	tenant orak.Tenant
	id     orak.UploadID
}

// Hint says that the recording of a direct upload may be whole, as a notification of
// the store does. It does not block, and need not be right.
func (u *Uploads) Hint(t orak.Tenant, id orak.UploadID) {
	select {
	case u.hints <- hint{t, id}:
	default:
		u.metrics.dropped.Inc()
	}
}

// Run follows hints and sweeps until ctx ends: at once, and then every
// Config.SweepInterval.
func (u *Uploads) Run(ctx context.Context) {
	var group errgroup.Group
	group.SetLimit(u.cfg.Completions)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = group.Wait() // the tasks return no errors
			return
		case h := <-u.hints:
			group.Go(func() error { u.follow(ctx, h); return nil })
		case <-timer.C:
			if err := u.Sweep(ctx); err != nil && ctx.Err() == nil {
				u.metrics.failures.Inc()
				u.log.WarnContext(ctx, "direct uploads could not be swept; trying again", "error", err, "wait", u.cfg.SweepInterval)
			}
			timer.Reset(u.cfg.SweepInterval)
		}
	}
}

// follow completes the upload that a hint names.
func (u *Uploads) follow(ctx context.Context, h hint) {
	if u.deps.Paused(h.tenant) {
		return
	}
	_, repeated, err := u.Complete(ctx, h.tenant, h.id)
	if err := u.report(ctx, h.tenant, h.id, repeated, err); err != nil {
		u.log.WarnContext(ctx, "a direct upload could not be completed; the sweep tries again", "upload_id", h.id, "tenant", h.tenant, "error", err)
	}
}

// report logs what the sweep made of an upload, and returns err if another try may
// help.
func (u *Uploads) report(ctx context.Context, t orak.Tenant, id orak.UploadID, repeated bool, err error) error {
	var (
		missing *Incomplete
		refused *Refusal
	)
	switch {
	case err == nil && !repeated:
		u.log.InfoContext(ctx, "accepted a direct upload that its client did not complete", "upload_id", id, "tenant", t)
	case err == nil, errors.As(err, &missing), errors.Is(err, ErrUnknown), errors.Is(err, ErrErased):
	case errors.As(err, &refused):
		u.log.InfoContext(ctx, "refused a direct upload that its client did not complete", "upload_id", id, "tenant", t, "why", refused.Why)
	default:
		return err
	}
	return nil
}

// Sweep completes the direct uploads that are whole, and removes those that have
// expired and bytes that no direct upload owns. One that fails does not keep the
// others back, unless many do. Any number of processes may sweep at once.
func (u *Uploads) Sweep(ctx context.Context) error {
	var (
		group  errgroup.Group
		inRow  atomic.Int64
		open   int
		oldest time.Duration
	)
	group.SetLimit(u.cfg.Completions)
	now := time.Now()
	for info, err := range u.store.ListAfter(ctx, orak.DirectPrefix, "") {
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		t, id, ok := orak.ParseDirectKey(info.Key)
		if !ok {
			continue
		}
		if inRow.Load() >= maxFailures {
			break
		}
		open++
		oldest = max(oldest, now.Sub(info.ModifiedAt))
		group.Go(func() error {
			err := u.handle(ctx, t, id, info.ModifiedAt)
			switch {
			case err == nil:
				inRow.Store(0)
				return nil
			case ctx.Err() != nil:
				return nil
			case !errors.Is(err, objectstore.ErrDamaged): // which says nothing about the others
				inRow.Add(1)
			}
			u.metrics.failures.Inc()
			u.log.WarnContext(ctx, "a direct upload could not be handled; trying again later", "upload_id", id, "tenant", t, "error", err)
			return nil
		})
	}
	err := errors.Join(group.Wait(), ctx.Err())
	u.metrics.open.Set(float64(open))
	u.metrics.oldest.Set(oldest.Seconds())
	if err != nil || inRow.Load() >= maxFailures {
		return errors.Join(err, errUnswept)
	}
	return u.removeOrphans(ctx)
}

var errUnswept = errors.New("some direct uploads could not be handled")

// handle does what is to be done about one direct upload.
func (u *Uploads) handle(ctx context.Context, t orak.Tenant, id orak.UploadID, changed time.Time) error {
	d, err := u.load(ctx, t, id)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil
	case errors.Is(err, objectstore.ErrDamaged) && time.Since(changed) > maxTTL:
		u.log.ErrorContext(ctx, "removing a direct upload whose description is damaged", "upload_id", id, "tenant", t, "error", err)
		return u.store.Delete(ctx, orak.DirectKey(t, id)) // its bytes are orphans now
	}
	if err != nil {
		return err
	}
	late := time.Since(d.ExpiresAt) > expiryGrace
	switch d.State {
	case Aborted:
		return u.discard(ctx, d)
	case Refused:
		if late {
			return u.discard(ctx, d)
		}
		return u.removeBytes(ctx, d)
	}
	if u.deps.Paused(t) {
		return nil
	}
	whole, err := u.whole(ctx, d)
	switch {
	case err != nil:
		return err
	case whole:
		_, repeated, err := u.Complete(ctx, t, id)
		return u.report(ctx, t, id, repeated, err)
	case late:
		return u.expire(ctx, d)
	}
	return nil
}

// expire removes an upload whose bytes did not come.
func (u *Uploads) expire(ctx context.Context, d Upload) error {
	err := u.end(ctx, d, outcomeExpired)
	if errors.Is(err, ErrAccepted) || errors.Is(err, ErrUnknown) {
		return nil
	}
	if err == nil {
		u.log.InfoContext(ctx, "a direct upload expired", "upload_id", d.ID, "tenant", d.Tenant)
	}
	return err
}

// whole reports whether an upload is to be completed without its client: everything
// is there for a while, or a completion did not end.
func (u *Uploads) whole(ctx context.Context, d Upload) (bool, error) {
	if d.State == Accepting {
		return true, nil
	}
	for _, key := range []string{orak.IncomingKey(d.Tenant, d.ID), d.Key, orak.ErasedKey(d.Tenant, d.ID)} {
		info, err := u.store.Stat(ctx, key)
		if err == nil {
			return time.Since(info.ModifiedAt) >= u.cfg.CompleteAfter, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	if d.PartSize == 0 {
		return false, nil
	}
	parts, err := u.store.ListParts(ctx, d.multipart())
	if errors.Is(err, objectstore.ErrNoMultipart) {
		return false, nil
	}
	return err == nil && present(d, parts) == d.Parts(), err
}

// removeOrphans removes recordings and parts without a description: those of URLs that
// were used after the end of their upload, and those of a creation that did not end.
func (u *Uploads) removeOrphans(ctx context.Context) error {
	before := time.Now().Add(-orphanAge)
	for info, err := range u.store.ListAfter(ctx, orak.IncomingPrefix, "") {
		if err != nil {
			return err
		}
		if !info.ModifiedAt.Before(before) {
			continue
		}
		if orphan, err := u.orphan(ctx, info.Key, ""); err != nil || !orphan {
			if err != nil {
				return err
			}
			continue
		}
		if err := u.store.Delete(ctx, info.Key); err != nil {
			return err
		}
		u.metrics.removed.Inc()
	}
	for m, err := range u.store.Multiparts(ctx, orak.IncomingPrefix) {
		if err != nil {
			return err
		}
		if !m.BegunAt.Before(before) {
			continue
		}
		if orphan, err := u.orphan(ctx, m.Key, m.ID); err != nil || !orphan {
			if err != nil {
				return err
			}
			continue
		}
		if err := u.store.AbortMultipart(ctx, m); err != nil {
			return err
		}
		u.metrics.removed.Inc()
	}
	return nil
}

// orphan reports whether no direct upload owns the object, or the parts, at key.
func (u *Uploads) orphan(ctx context.Context, key, multipart string) (bool, error) {
	t, id, ok := orak.ParseIncomingKey(key)
	if !ok {
		return false, nil // not of this package
	}
	d, err := u.load(ctx, t, id)
	if errors.Is(err, ErrUnknown) {
		return true, nil
	}
	return err == nil && multipart != "" && d.Multipart != multipart, err
}
