package direct

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// Store keeps descriptions and recordings; *objectstore.Store is one.
type Store interface {
	outbox.Store
	GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Copy(ctx context.Context, from, to string, opts objectstore.CopyOptions) error
	PresignPut(ctx context.Context, key string, size int64, sha256 string, valid time.Duration) (objectstore.Presigned, error)
	PresignPart(ctx context.Context, m objectstore.Multipart, number int, size int64, valid time.Duration) (objectstore.Presigned, error)
	CreateMultipart(ctx context.Context, key string, opts objectstore.PutOptions) (objectstore.Multipart, error)
	ListParts(ctx context.Context, m objectstore.Multipart) ([]objectstore.Part, error)
	CompleteMultipart(ctx context.Context, m objectstore.Multipart, parts []objectstore.Part, ifAbsent bool) (objectstore.Info, error)
	AbortMultipart(ctx context.Context, m objectstore.Multipart) error
	Multiparts(ctx context.Context, prefix string) iter.Seq2[objectstore.Multipart, error]
}

var _ Store = (*objectstore.Store)(nil)

// Outbox announces uploads.
type Outbox interface {
	Read(ctx context.Context, t orak.Tenant, id orak.UploadID) (outbox.Marker, error)
	Write(ctx context.Context, e outbox.Entry) error
	Remove(ctx context.Context, m outbox.Keyed) error
}

// Deps are the dependencies of Uploads.
type Deps struct {
	Store  Store
	Outbox Outbox
	// Announce sends the event of a marker that is written. An error means that the
	// event can never be sent; otherwise the outbox sees to it.
	Announce func(ctx context.Context, m outbox.Marker) error
	// Sniff returns the media type of a recording from its first SniffLen bytes; ok is
	// false if it is not accepted.
	Sniff    func(head []byte) (mediaType string, ok bool)
	SniffLen int
	// Paused says that nothing of a tenant is accepted now; nil means never.
	Paused  func(orak.Tenant) bool
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Uploads are the direct uploads of all tenants. It is safe for concurrent use.
type Uploads struct {
	cfg     Config
	deps    Deps
	store   Store
	log     *slog.Logger
	metrics *metrics
	// places bounds the recordings that are verified.
	places *semaphore.Weighted
	// creating is held from the count of a tenant's uploads to the next one. Tenants
	// share a lock by chance.
	creating [64]sync.Mutex
	seed     maphash.Seed
	// hints names uploads that may be whole.
	hints chan hint
}

// New makes Uploads. Nothing runs before Run.
func New(cfg Config, deps Deps) *Uploads {
	if deps.Paused == nil {
		deps.Paused = func(orak.Tenant) bool { return false }
	}
	return &Uploads{
		cfg: cfg, deps: deps, store: deps.Store, log: deps.Log, metrics: newMetrics(deps.Metrics),
		places: semaphore.NewWeighted(int64(cfg.Completions)), hints: make(chan hint, maxHints), seed: maphash.MakeSeed(),
	}
}

// Create begins a direct upload, from a description with ID, Tenant, Size and whatever
// else the caller declares, or returns the earlier one of that id; created is false
// then. Errors: ErrOther, ErrAccepted, ErrErased, ErrTooMany.
func (u *Uploads) Create(ctx context.Context, d Upload) (made Upload, created bool, err error) {
	switch earlier, err := u.earlier(ctx, d); {
	case err == nil:
		return earlier, false, nil
	case !errors.Is(err, ErrUnknown):
		return Upload{}, false, err
	}
	one := &u.creating[maphash.Comparable(u.seed, d.Tenant)%uint64(len(u.creating))]
	one.Lock()
	defer one.Unlock()
	if err := u.admit(ctx, d.Tenant); err != nil {
		return Upload{}, false, err
	}
	d.Key, d.State = orak.OriginalKey(d.Tenant, d.ID), Waiting
	d.CreatedAt = time.Now().UTC()
	d.ExpiresAt = d.CreatedAt.Add(u.cfg.TTL)
	if d.PartSize > 0 {
		m, err := u.store.CreateMultipart(ctx, orak.IncomingKey(d.Tenant, d.ID), objectstore.PutOptions{})
		if err != nil {
			return Upload{}, false, err
		}
		d.Multipart = m.ID
	}
	d.etag, err = objectstore.ReplaceJSON(ctx, u.store, orak.DirectKey(d.Tenant, d.ID), d, "")
	if err == nil {
		u.metrics.ended.WithLabelValues(outcomeCreated).Inc()
		return d, true, nil
	}
	// The parts of a description that is stored nevertheless would be gone: its caller
	// is told that nothing is there, and may begin again.
	if !errors.Is(err, objectstore.ErrChanged) {
		return Upload{}, false, err
	}
	if d.Multipart != "" {
		// The first answer may have been lost, and a repeat fails then.
		if found, err := u.load(ctx, d.Tenant, d.ID); err == nil && found.Multipart == d.Multipart {
			return found, true, nil
		}
		if err := u.store.AbortMultipart(ctx, d.multipart()); err != nil {
			return Upload{}, false, err
		}
	}
	earlier, err := u.earlier(ctx, d)
	if errors.Is(err, ErrUnknown) {
		err = &orak.Fault{Class: orak.ClassOverload, Message: "An aborted upload of this id is being removed.", Err: err}
	}
	return earlier, false, err
}

// earlier returns the direct upload with the id of d, or ErrUnknown.
func (u *Uploads) earlier(ctx context.Context, d Upload) (Upload, error) {
	earlier, err := u.Get(ctx, d.Tenant, d.ID)
	switch {
	case err == nil && !earlier.same(d):
		return Upload{}, ErrOther
	case !errors.Is(err, ErrUnknown):
		return earlier, err
	}
	if err := u.notErased(ctx, d); err != nil {
		return Upload{}, err
	}
	info, err := u.store.Stat(ctx, orak.OriginalKey(d.Tenant, d.ID))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Upload{}, ErrUnknown
	case err != nil:
		return Upload{}, err
	case info.Size != d.Size:
		return Upload{}, ErrOther
	}
	return Upload{}, ErrAccepted
}

// admit bounds the open uploads of a tenant.
func (u *Uploads) admit(ctx context.Context, t orak.Tenant) error {
	open := 0
	for _, err := range u.store.ListAfter(ctx, orak.DirectPrefix+string(t)+"/", "") {
		if err != nil {
			return err
		}
		if open++; open >= u.cfg.MaxTenantUploads {
			u.metrics.turnedAway.Inc()
			return ErrTooMany
		}
	}
	return nil
}

// Get returns a direct upload, or ErrUnknown.
func (u *Uploads) Get(ctx context.Context, t orak.Tenant, id orak.UploadID) (Upload, error) {
	d, err := u.load(ctx, t, id)
	if err == nil && d.State == Aborted {
		return Upload{}, ErrUnknown
	}
	return d, err
}

// load is Get for any state.
func (u *Uploads) load(ctx context.Context, t orak.Tenant, id orak.UploadID) (Upload, error) {
	d, info, err := objectstore.GetJSON[Upload](ctx, u.store, orak.DirectKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return Upload{}, ErrUnknown
	}
	if err != nil {
		return Upload{}, fmt.Errorf("reading the description of a direct upload: %w", err)
	}
	if d.ID != id || d.Tenant != t {
		return Upload{}, fmt.Errorf("reading the description of a direct upload: it belongs to another one: %w", objectstore.ErrDamaged)
	}
	d.etag = info.ETag
	return d, nil
}

// PresignPut returns the request that sends the recording. Errors: ErrExpired,
// ErrNoParts if it is to be sent in parts.
func (u *Uploads) PresignPut(ctx context.Context, d Upload) (objectstore.Presigned, error) {
	valid, err := u.valid(d)
	if err != nil {
		return objectstore.Presigned{}, err
	}
	if d.PartSize > 0 {
		return objectstore.Presigned{}, ErrNoParts
	}
	return u.store.PresignPut(ctx, orak.IncomingKey(d.Tenant, d.ID), d.Size, d.Declared, valid)
}

// PresignPart returns the request that sends a part. Errors: ErrExpired, ErrNoParts.
func (u *Uploads) PresignPart(ctx context.Context, d Upload, number int) (objectstore.Presigned, error) {
	valid, err := u.valid(d)
	if err != nil {
		return objectstore.Presigned{}, err
	}
	if number < 1 || number > d.Parts() {
		return objectstore.Presigned{}, ErrNoParts
	}
	return u.store.PresignPart(ctx, d.multipart(), number, d.PartLength(number), valid)
}

// valid is how long a request may be presigned now, in whole seconds.
func (u *Uploads) valid(d Upload) (time.Duration, error) {
	valid := min(u.cfg.URLTTL, time.Until(d.ExpiresAt)).Truncate(time.Second)
	if valid < time.Second {
		return 0, ErrExpired
	}
	return valid, nil
}

// Parts returns the parts that are there. Errors: ErrNoParts if the recording is to be
// sent with one PUT, and ErrAccepted once the parts are joined.
func (u *Uploads) Parts(ctx context.Context, d Upload) ([]objectstore.Part, error) {
	if d.PartSize == 0 {
		return nil, ErrNoParts
	}
	parts, err := u.store.ListParts(ctx, d.multipart())
	if errors.Is(err, objectstore.ErrNoMultipart) {
		return nil, ErrAccepted
	}
	return parts, err
}

// Abort ends a direct upload and removes what was sent. Errors: ErrUnknown;
// ErrAccepted, if its recording is an upload by now, or certain to become one.
func (u *Uploads) Abort(ctx context.Context, d Upload) error {
	return u.end(ctx, d, outcomeAborted)
}

// end aborts d unless it was verified before.
func (u *Uploads) end(ctx context.Context, d Upload, outcome string) error {
	switch d.State {
	case Accepting:
		return ErrAccepted
	case Waiting:
		d.State = Aborted
		switch err := u.change(ctx, &d); {
		case errors.Is(err, objectstore.ErrChanged):
			later, err := u.Get(ctx, d.Tenant, d.ID)
			if err != nil {
				return err
			}
			return u.end(ctx, later, outcome)
		case err != nil:
			return err
		}
		u.metrics.ended.WithLabelValues(outcome).Inc()
	}
	return u.discard(ctx, d)
}

// change replaces the description that d was read from.
func (u *Uploads) change(ctx context.Context, d *Upload) error {
	etag, err := objectstore.ReplaceJSON(ctx, u.store, orak.DirectKey(d.Tenant, d.ID), d, d.etag)
	if err == nil {
		d.etag = etag
	}
	return err
}

// Discard removes everything of a direct upload, in whatever state; an absent one is
// not an error. It is for uploads that are erased.
func (u *Uploads) Discard(ctx context.Context, t orak.Tenant, id orak.UploadID) error {
	d, err := u.load(ctx, t, id)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return u.discard(ctx, d)
}

// discard removes the recording, and then the description.
func (u *Uploads) discard(ctx context.Context, d Upload) error {
	if err := u.removeBytes(ctx, d); err != nil {
		return err
	}
	return u.store.Delete(ctx, orak.DirectKey(d.Tenant, d.ID))
}

func (u *Uploads) removeBytes(ctx context.Context, d Upload) error {
	if d.Multipart != "" {
		if err := u.store.AbortMultipart(ctx, d.multipart()); err != nil {
			return err
		}
	}
	return u.store.Delete(ctx, orak.IncomingKey(d.Tenant, d.ID))
}

// notErased returns ErrErased if d has a tombstone.
func (u *Uploads) notErased(ctx context.Context, d Upload) error {
	switch _, err := u.store.Stat(ctx, orak.ErasedKey(d.Tenant, d.ID)); {
	case err == nil:
		return ErrErased
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}
