package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"time"

	"orak"
	"orak/events"
	"orak/internal/objectstore"
)

// Store keeps markers and recordings. An absent object is
// fs.ErrNotExist; to delete one is no error.
type Store interface {
	Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error)
	Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error)
	Stat(ctx context.Context, key string) (objectstore.Info, error)
	Delete(ctx context.Context, key string) error
}

// Lister lists objects in the order of their keys, those behind after alone.
type Lister interface {
	ListAfter(ctx context.Context, prefix, after string) iter.Seq2[objectstore.Info, error]
}

// Publisher sends an event and returns once Kafka has acknowledged it.
type Publisher interface {
	PublishEvent(ctx context.Context, topic string, e events.Event) error
}

// publishTimeout bounds the sending of one event.
const publishTimeout = 10 * time.Second

// Outbox writes, reads and settles markers. It is safe for concurrent use.
type Outbox struct {
	store  Store
	events Publisher
	log    *slog.Logger
	grace  time.Duration
}

// New makes an Outbox. A marker whose recording never arrived is dropped when
// it is older than grace.
func New(store Store, events Publisher, grace time.Duration, log *slog.Logger) *Outbox {
	return &Outbox{store: store, events: events, log: log, grace: grace}
}

// Found is a marker as a listing shows it.
type Found struct {
	Tenant orak.Tenant
	ID     orak.UploadID
	// Erasure says that it is an Erasure, and no Marker.
	Erasure bool
	// At is when it was written.
	At time.Time
}

// ObjectKey is the key of the object that the marker is.
func (f Found) ObjectKey() string {
	if f.Erasure {
		return orak.PendingErasureKey(f.Tenant, f.ID)
	}
	return orak.PendingKey(f.Tenant, f.ID)
}

// FoundAt is the marker that an object of the outbox is; ok is false for
// anything else.
func FoundAt(info objectstore.Info) (f Found, ok bool) {
	f.At = info.ModifiedAt
	if f.Tenant, f.ID, ok = orak.ParsePendingKey(info.Key); ok {
		return f, true
	}
	f.Tenant, f.ID, f.Erasure = orak.ParsePendingErasureKey(info.Key)
	return f, f.Erasure
}

// Outcome is what became of a marker.
type Outcome string

// The outcomes.
const (
	// Published: its upload was announced.
	Published Outcome = "published"
	// Dropped: there is nothing to announce.
	Dropped Outcome = "dropped"
	// Left: it may still be needed, or another one was faster.
	Left Outcome = "left"
)

// ErrUnsent says that Kafka did not take an event; the marker stays.
var ErrUnsent = errors.New("the event was not acknowledged")

// Settle announces what a marker that is old enough stands for, or drops the
// marker where there is nothing to announce. It may be repeated, also at the
// same time: the bridge takes a second announcement for what it is.
func (o *Outbox) Settle(ctx context.Context, f Found) (Outcome, error) {
	if f.Erasure {
		return o.settleErasure(ctx, f)
	}
	return o.settleUpload(ctx, f)
}

func (o *Outbox) settleErasure(ctx context.Context, f Found) (Outcome, error) {
	e, err := o.readErasure(ctx, f.Tenant, f.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return Left, nil // another one was faster
	}
	if err != nil {
		return Left, err
	}
	return o.publish(ctx, f, e)
}

func (o *Outbox) settleUpload(ctx context.Context, f Found) (Outcome, error) {
	m, err := o.Read(ctx, f.Tenant, f.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return Left, nil // another one was faster
	}
	if err != nil {
		return Left, err
	}
	erased, err := o.exists(ctx, orak.ErasedKey(f.Tenant, f.ID))
	switch {
	case err != nil:
		return Left, err
	case erased:
		// A recording that was stored too late goes with its marker.
		if err := o.store.Delete(ctx, orak.OriginalKey(f.Tenant, f.ID)); err != nil {
			return Left, err
		}
		return o.drop(ctx, f, "it was erased")
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
		if sum, err = o.Hash(ctx, info.Key); err != nil {
			return Left, err
		}
	}
	m.Upload = m.Stored(info, sum)
	return o.publish(ctx, f, m)
}

func (o *Outbox) publish(ctx context.Context, f Found, entry Entry) (Outcome, error) {
	e, err := entry.Event()
	if err != nil {
		return Left, err
	}
	bounded, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := o.events.PublishEvent(bounded, events.TopicUploads, e); err != nil {
		return Left, fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	o.log.Info("an event was sent from the outbox", "type", e.Type, "upload_id", f.ID, "tenant", f.Tenant, "age", time.Since(f.At))
	return Published, o.store.Delete(ctx, f.ObjectKey())
}

// dropStale removes the marker of an upload that was never stored, and so was
// never answered with 202, once nobody can be sending it any more.
func (o *Outbox) dropStale(ctx context.Context, f Found) (Outcome, error) {
	if time.Since(f.At) < o.grace {
		return Left, nil
	}
	info, err := o.store.Stat(ctx, orak.PendingKey(f.Tenant, f.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return Left, nil
	}
	if err != nil {
		return Left, err
	}
	// A listing has milliseconds, a single object's date has not.
	if !info.ModifiedAt.Truncate(time.Second).Equal(f.At.Truncate(time.Second)) {
		return Left, nil // somebody is sending it again
	}
	return o.drop(ctx, f, "its recording never arrived")
}

func (o *Outbox) drop(ctx context.Context, f Found, why string) (Outcome, error) {
	if err := o.store.Delete(ctx, orak.PendingKey(f.Tenant, f.ID)); err != nil {
		return Left, err
	}
	o.log.Warn("an upload's marker was dropped: "+why, "upload_id", f.ID, "tenant", f.Tenant, "begun_at", f.At)
	return Dropped, nil
}

// Hash reads an object for its SHA-256.
func (o *Outbox) Hash(ctx context.Context, key string) (string, error) {
	r, _, err := o.store.Get(ctx, key)
	if err != nil {
		return "", err
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", fmt.Errorf("hashing the recording: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (o *Outbox) exists(ctx context.Context, key string) (bool, error) {
	_, err := o.store.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
