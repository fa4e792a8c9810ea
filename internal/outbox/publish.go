package outbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"orak"
	"orak/events"
	"orak/internal/objectstore"
)

// publishTimeout bounds the sending of one event.
const publishTimeout = 10 * time.Second

// Outcome is what Publish did with a marker.
type Outcome string

// The outcomes.
const (
	// Published: the event was sent and the marker removed.
	Published Outcome = "published"
	// Dropped: there was nothing to announce, and the marker was removed.
	Dropped Outcome = "dropped"
	// Left: the marker may still be needed, or another process was faster.
	Left Outcome = "left"
)

// ErrUnsent means that Kafka did not acknowledge an event. The marker stays.
var ErrUnsent = errors.New("the event was not acknowledged")

// Publish sends the event of a marker and removes the marker, or drops a marker
// that has nothing to announce. It may be repeated, also concurrently: the
// bridge recognizes a repeated announcement.
func (o *Outbox) Publish(ctx context.Context, f Found) (Outcome, error) {
	if f.Erasure {
		return o.publishErasure(ctx, f)
	}
	return o.publishUpload(ctx, f)
}

func (o *Outbox) publishErasure(ctx context.Context, f Found) (Outcome, error) {
	e, err := o.readErasure(ctx, f.Tenant, f.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return Left, nil // another process was faster
	}
	if err != nil {
		return Left, err
	}
	return o.send(ctx, f, e)
}

func (o *Outbox) publishUpload(ctx context.Context, f Found) (Outcome, error) {
	m, err := o.Read(ctx, f.Tenant, f.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return Left, nil // another process was faster
	}
	if err != nil {
		return Left, err
	}
	erased, err := o.exists(ctx, orak.ErasedKey(f.Tenant, f.ID))
	switch {
	case err != nil:
		return Left, err
	case erased:
		// A recording that was stored after the erasure is removed, too.
		if err := o.store.Delete(ctx, orak.OriginalKey(f.Tenant, f.ID)); err != nil {
			return Left, err
		}
		return o.drop(ctx, f, "the upload was erased")
	}
	info, err := o.store.Stat(ctx, orak.OriginalKey(f.Tenant, f.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return o.dropStale(ctx, f)
	}
	if err != nil {
		return Left, err
	}
	sum := m.SHA256
	if m.Validate() != nil || m.Size != info.Size {
		if sum, err = objectstore.Hash(ctx, o.store, info.Key); err != nil {
			return Left, err
		}
	}
	m.Upload = m.Stored(info, sum)
	return o.send(ctx, f, m)
}

func (o *Outbox) send(ctx context.Context, f Found, entry Entry) (Outcome, error) {
	e, err := entry.Event()
	if err != nil {
		return Left, err
	}
	bounded, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := o.events.PublishEvent(bounded, events.TopicUploads, e); err != nil {
		return Left, fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	o.log.InfoContext(ctx, "published an event from the outbox", "type", e.Type, "upload_id", f.ID, "tenant", f.Tenant, "age", time.Since(f.At))
	return Published, o.Remove(ctx, f)
}

// dropStale removes the marker of an upload that was never stored, and so never
// answered with 202, once it is older than the grace period.
func (o *Outbox) dropStale(ctx context.Context, f Found) (Outcome, error) {
	if time.Since(f.At) < o.grace {
		return Left, nil
	}
	info, err := o.store.Stat(ctx, f.ObjectKey())
	if errors.Is(err, fs.ErrNotExist) {
		return Left, nil
	}
	if err != nil {
		return Left, err
	}
	// A listing dates objects to the millisecond, Stat to the second.
	if !info.ModifiedAt.Truncate(time.Second).Equal(f.At.Truncate(time.Second)) {
		return Left, nil // the upload is being sent again
	}
	return o.drop(ctx, f, "its recording never arrived")
}

func (o *Outbox) drop(ctx context.Context, f Found, why string) (Outcome, error) {
	if err := o.Remove(ctx, f); err != nil {
		return Left, err
	}
	o.log.WarnContext(ctx, "dropped an outbox marker", "reason", why, "upload_id", f.ID, "tenant", f.Tenant, "begun_at", f.At)
	return Dropped, nil
}

func (o *Outbox) exists(ctx context.Context, key string) (bool, error) {
	_, err := o.store.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
