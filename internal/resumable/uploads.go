package resumable

import (
	"context"
	"errors"
	"hash"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// The errors that a caller distinguishes. An absent upload is fs.ErrNotExist.
var (
	// ErrGone: the upload was terminated or has expired.
	ErrGone = errors.New("the upload is gone")
	// ErrOffset: the request does not begin where the stored bytes end.
	ErrOffset = errors.New("the offset is not the one that is stored")
	// ErrLength: the request has more bytes than the upload lacks. None of them that
	// were still in memory are kept.
	ErrLength = errors.New("the upload would be longer than declared")
	// ErrChecksum: the bytes do not have the declared checksum; none are kept.
	ErrChecksum = errors.New("the checksum does not match")
	// ErrLocked: another request writes the upload.
	ErrLocked = errors.New("another request writes the upload")
	// ErrInterrupted ends the body of a request in favour of a later one.
	ErrInterrupted = errors.New("a later request took over")
	// ErrComplete: the upload is complete and cannot be terminated.
	ErrComplete = errors.New("the upload is complete")
	// ErrOther: the key of the upload was used for another recording.
	ErrOther = errors.New("the upload is of another recording")
	// ErrTooMany: the tenant has as many unfinished uploads as
	// Config.MaxTenantUploads.
	ErrTooMany = errors.New("too many unfinished uploads")
	// ErrBusy: as many requests run as Config.MaxRequests.
	ErrBusy = errors.New("too many requests")
)

// Config bounds resumable uploads.
type Config struct {
	Expiry           time.Duration `help:"Time from the creation of a resumable upload after which it is removed if it is not complete; 24h at most." default:"23h"`
	Memory           int64         `help:"Memory in bytes that the running requests of resumable uploads share. Each holds at most s3-part-size of it, and 64 KiB at least, whatever their number." default:"134217728"`
	MaxRequests      int           `help:"Most requests that send bytes of resumable uploads at once; further ones are answered 503." default:"2000"`
	MaxTenantUploads int           `help:"Most resumable uploads of one tenant that are not complete and have not expired; further ones are answered 429. Each API process counts those of the others at its sweeps." default:"10000"`
	SweepInterval    time.Duration `help:"How often expired resumable uploads are searched for and removed, and interrupted completions finished." default:"10m"`
}

// Validate reports the first invalid setting.
func (c Config) Validate() error {
	switch {
	case c.Expiry <= 0 || c.Expiry > 24*time.Hour:
		return errors.New("expiry: want more than 0 and at most 24h, after which the store removes parts")
	case c.Memory < 2*objectstore.MinPartSize:
		return errors.New("memory: want 10 MiB at least")
	case c.MaxRequests <= 0 || c.MaxTenantUploads <= 0 || c.SweepInterval <= 0:
		return errors.New("max-requests, max-tenant-uploads, sweep-interval: want more than 0")
	}
	return nil
}

// Store is what Uploads needs of an object store.
type Store interface {
	Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error)
	Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error)
	Stat(ctx context.Context, key string) (objectstore.Info, error)
	Delete(ctx context.Context, key string) error
	ListAfter(ctx context.Context, prefix, after string) iter.Seq2[objectstore.Info, error]
	CreateMultipart(ctx context.Context, key string, opts objectstore.PutOptions) (objectstore.Multipart, error)
	PutPart(ctx context.Context, m objectstore.Multipart, number int, content []byte) (objectstore.Part, error)
	CompleteMultipart(ctx context.Context, m objectstore.Multipart, parts []objectstore.Part, ifAbsent bool) (objectstore.Info, error)
	AbortMultipart(ctx context.Context, m objectstore.Multipart) error
}

// Deps are the dependencies of Uploads; all are required.
type Deps struct {
	Store Store
	// Mark writes an outbox marker, Unmark removes it, and Announce sends its event.
	Mark     func(ctx context.Context, m outbox.Marker) error
	Unmark   func(ctx context.Context, m outbox.Marker) error
	Announce func(ctx context.Context, m outbox.Marker) error
	// Erased reports whether the upload has a tombstone.
	Erased func(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error)
	// Sniff returns the media type of a recording from its first SniffLen bytes, or
	// fewer if it is shorter. Its error refuses the upload, which ends then.
	Sniff    func(head []byte) (mediaType string, err error)
	SniffLen int
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// Uploads are the resumable uploads of a store. Any number of processes may work on
// the same ones.
type Uploads struct {
	cfg     Config
	deps    Deps
	store   Store
	log     *slog.Logger
	metrics *metrics
	memory  *memory
	// places has one for each running request, and gathers one for each part that is
	// put together from pieces.
	places, gathers chan struct{}
	local           local
	open            tally
}

// maxGathers bounds the parts that are put together from pieces at once, each of which
// takes up to two parts of memory.
const maxGathers = 4

// New makes Uploads; nothing runs before a method is called.
func New(cfg Config, deps Deps) *Uploads {
	m := newMetrics(deps.Metrics)
	return &Uploads{
		cfg: cfg, deps: deps, store: deps.Store, log: deps.Log, metrics: m,
		memory: newMemory(cfg.Memory, objectstore.MinPartSize, m.held),
		places: make(chan struct{}, cfg.MaxRequests), gathers: make(chan struct{}, maxGathers),
		local: local{running: map[string]*holder{}},
		open:  tally{of: map[orak.Tenant]int{}, since: map[orak.Tenant]int{}},
	}
}

// Status is where an upload stands.
type Status struct {
	ID orak.UploadID
	// Offset and Size are in bytes; the upload is complete if they are equal.
	Offset, Size int64
	// SHA256 is the digest of a complete upload, in the form of orak.Upload; "" if
	// it is not known without reading the recording.
	SHA256 string
	// ExpiresAt is zero once the upload is complete.
	ExpiresAt time.Time
	// Given is that of the Creation; "" once the upload is complete.
	Given string
}

// Complete reports whether the recording is stored and announced.
func (s Status) Complete() bool { return s.Offset == s.Size }

func (v versioned) status() Status {
	return Status{ID: v.Upload.ID, Offset: v.Offset, Size: v.Upload.Size, ExpiresAt: v.ExpiresAt, Given: v.Given}
}

// Creation is what a sender says of an upload that it begins.
type Creation struct {
	// Upload has the ID, the tenant, the description, and the Size in bytes.
	Upload orak.Upload
	// Repeatable means that the ID follows from a key: the upload may exist.
	Repeatable bool
	// Given is the description as the sender wrote it, for Status.Given.
	Given                   string
	Traceparent, Tracestate string
}

// Create begins an upload. If it exists, it returns where that one stands, or ErrOther
// if that one has another size. ErrTooMany bounds those of a tenant.
func (u *Uploads) Create(ctx context.Context, c Creation) (Status, error) {
	name := Name{Tenant: c.Upload.Tenant, ID: c.Upload.ID, Owner: c.Upload.Owner}
	if c.Repeatable {
		st, err := u.begun(ctx, name, c.Upload.Size)
		if !errors.Is(err, fs.ErrNotExist) {
			return st, err
		}
	}
	if u.open.count(c.Upload.Tenant) >= u.cfg.MaxTenantUploads {
		u.metrics.turnedAway.Inc()
		return Status{}, ErrTooMany
	}
	now := time.Now().UTC()
	up := c.Upload
	up.Key = orak.OriginalKey(up.Tenant, up.ID)
	next := state{
		Upload: up, ExpiresAt: now.Add(u.cfg.Expiry), Phase: receiving, Next: 1,
		Given: c.Given, Traceparent: c.Traceparent, Tracestate: c.Tracestate,
	}
	v, err := u.write(ctx, versioned{}, next)
	if errors.Is(err, errLost) && c.Repeatable {
		return u.begun(ctx, name, c.Upload.Size)
	}
	if err != nil {
		return Status{}, wrapf(err, "creating", up.ID)
	}
	u.open.add(up.Tenant, 1)
	u.metrics.ended.WithLabelValues("created").Inc()
	return v.status(), nil
}

// begun is Look for an upload that is to have so many bytes.
func (u *Uploads) begun(ctx context.Context, n Name, size int64) (Status, error) {
	st, err := u.Look(ctx, n)
	if err == nil && st.Size != size {
		return Status{}, ErrOther
	}
	return st, err
}

// Name names an upload for a caller.
type Name struct {
	Tenant orak.Tenant
	ID     orak.UploadID
	// Owner is whose uploads the caller may know; "" means all of the tenant.
	Owner string
}

// permit returns fs.ErrNotExist if the caller may not know the upload. It comes before
// anything that affects another request.
func (u *Uploads) permit(ctx context.Context, n Name) error {
	if n.Owner == "" {
		return nil
	}
	v, err := u.read(ctx, n.Tenant, n.ID)
	owner := v.Upload.Owner
	if errors.Is(err, fs.ErrNotExist) {
		var info objectstore.Info
		info, err = u.store.Stat(ctx, orak.OriginalKey(n.Tenant, n.ID))
		owner = orak.Upload{}.Describe(info.Metadata).Owner
	}
	if err == nil && owner != n.Owner && v.Phase != terminated {
		return fs.ErrNotExist
	}
	return err
}

// Look returns where an upload stands, after it has interrupted a request of this
// process that writes the upload, so that everything that arrived counts. A completion
// that was interrupted is finished.
func (u *Uploads) Look(ctx context.Context, n Name) (Status, error) {
	t, id := n.Tenant, n.ID
	if err := u.permit(ctx, n); err != nil {
		return Status{}, err
	}
	if err := u.local.interrupt(ctx, orak.TusKey(t, id)); err != nil {
		return Status{}, err
	}
	v, done, err := u.load(ctx, t, id)
	if err != nil {
		return Status{}, wrapf(err, "looking at", id)
	}
	if done != nil {
		return *done, nil
	}
	return v.status(), nil
}

// Checksum is the declared checksum of one request.
type Checksum struct {
	Sum  hash.Hash
	Want []byte
}

// Body is what one request sends.
type Body struct {
	// Reader returns io.EOF only for a complete body.
	Reader io.Reader
	// Checksum is nil if none is declared. With one, all or nothing of the body
	// counts.
	Checksum *Checksum
	// Interrupt ends Reader with an error; it is called from another goroutine.
	Interrupt func()
}

func (b Body) verify() error {
	if b.Checksum == nil || string(b.Checksum.Sum.Sum(nil)) == string(b.Checksum.Want) {
		return nil
	}
	return ErrChecksum
}

// Append stores a body from offset on, and completes the upload with its last byte.
// It takes over from a request that writes the same upload. The Status is valid with
// ErrOffset, too, and with an error of the body, before which bytes may have been
// stored.
func (u *Uploads) Append(ctx context.Context, n Name, offset int64, b Body) (Status, error) {
	t, id := n.Tenant, n.ID
	if err := u.permit(ctx, n); err != nil {
		return Status{}, err
	}
	select {
	case u.places <- struct{}{}:
		defer func() { <-u.places }()
	default:
		return Status{}, ErrBusy
	}
	u.memory.begin()
	defer u.memory.end()
	u.metrics.running.Inc()
	defer u.metrics.running.Dec()
	release, err := u.local.seize(ctx, orak.TusKey(t, id), b.Interrupt)
	if err != nil {
		return Status{}, err
	}
	defer release()
	v, done, err := u.load(ctx, t, id)
	switch {
	case err != nil:
		return Status{}, wrapf(err, "resuming", id)
	case done != nil && done.Offset == offset:
		return *done, nil // an earlier request with the last byte whose answer was lost
	case done != nil:
		return *done, ErrOffset
	case v.Offset != offset:
		return v.status(), ErrOffset
	}
	return u.append(ctx, v, b)
}

func (u *Uploads) append(ctx context.Context, v versioned, b Body) (Status, error) {
	r, err := u.begin(ctx, v, b.Checksum != nil)
	if err != nil {
		return v.status(), u.lost(ctx, v, err)
	}
	err = r.receive(ctx, b)
	return r.status(), u.settle(ctx, v, r, err)
}

// settle ends an upload whose recording was refused, and says why another request
// could write the state. r is nil if it did not begin.
func (u *Uploads) settle(ctx context.Context, v versioned, r *request, err error) error {
	var refused *Refused
	if r != nil && errors.As(err, &refused) {
		err = errors.Join(err, u.terminate(ctx, r.st, "refused"))
	}
	if r != nil && errors.Is(err, objectstore.ErrNoMultipart) {
		err = errors.Join(ErrGone, err, u.terminate(ctx, r.st, "lost"))
	}
	if r != nil {
		v = r.st
	}
	return u.lost(ctx, v, err)
}

// lost says why another request could write the state v, or remove a piece of it. If the
// state is the same, nobody removed the piece: the store has lost it.
func (u *Uploads) lost(ctx context.Context, v versioned, err error) error {
	missing := errors.Is(err, errMissing)
	if !missing && !errors.Is(err, errLost) {
		return err
	}
	now, readErr := u.read(ctx, v.Upload.Tenant, v.Upload.ID)
	switch {
	case readErr == nil && now.Phase == terminated:
		return ErrGone
	case readErr == nil && missing && now.etag == v.etag:
		return errors.Join(ErrGone, err, u.terminate(ctx, now, "lost"))
	default:
		return ErrLocked
	}
}

// Refused wraps the error of Deps.Sniff. The upload is terminated.
type Refused struct{ Err error }

// Error implements error.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns the error of Deps.Sniff.
func (r *Refused) Unwrap() error { return r.Err }

// load reads an upload as a request finds it: with the pieces of a request that did
// not end in order, and after finishing an interrupted completion; done is not nil
// for a complete upload.
func (u *Uploads) load(ctx context.Context, t orak.Tenant, id orak.UploadID) (v versioned, done *Status, err error) {
	v, err = u.read(ctx, t, id)
	if errors.Is(err, fs.ErrNotExist) {
		info, err := u.store.Stat(ctx, orak.OriginalKey(t, id))
		if err != nil {
			return v, nil, err
		}
		done := doneStatus(id, info.Size, orak.RecordedSHA256(info.Metadata))
		return v, &done, nil
	}
	switch {
	case err != nil:
		return v, nil, err
	case v.Phase == terminated:
		return v, nil, ErrGone
	case v.Phase == completing:
		if done, err = u.finishInterrupted(ctx, v); done != nil || err != nil {
			return v, done, err
		}
	}
	if time.Now().After(v.ExpiresAt) {
		return v, nil, ErrGone
	}
	if err := u.adopt(ctx, &v); err != nil || v.Offset < v.Upload.Size {
		return v, nil, u.lost(ctx, v, err)
	}
	// Every byte is stored, and the request ended before it could complete.
	r, err := u.begin(ctx, v, false)
	if err == nil {
		err = r.complete(ctx)
	}
	if err != nil {
		return v, nil, u.settle(ctx, v, r, err)
	}
	st := r.status()
	return v, &st, nil
}

func doneStatus(id orak.UploadID, size int64, sum string) Status {
	return Status{ID: id, Offset: size, Size: size, SHA256: sum}
}

// finishInterrupted finishes a completion, unless the last bytes of the upload are
// missing: done is nil then.
func (u *Uploads) finishInterrupted(ctx context.Context, v versioned) (done *Status, err error) {
	if v.Multipart == "" {
		switch _, err := u.store.Stat(ctx, v.Upload.Key); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
	if err := u.finish(ctx, v); err != nil {
		return nil, err
	}
	st := doneStatus(v.Upload.ID, v.Upload.Size, v.Upload.SHA256)
	return &st, nil
}
