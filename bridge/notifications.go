package bridge

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"orak"
	"orak/events"
	"orak/internal/kafka/consume"
)

// Recordings is the store in which notifications announce recordings.
type Recordings interface {
	// Bucket is the bucket whose notifications count.
	Bucket() string
	// Describe reads the stored recording and returns what its announcement would
	// say. fs.ErrNotExist (it is absent or erased) and ErrInOutbox mean that there
	// is nothing to start; an *orak.Fault of class input, that the recording can
	// never be processed; any other error is worth another try.
	Describe(ctx context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error)
}

// ErrInOutbox means that the API received the recording and has yet to
// announce it, which it will, with more than the object says.
var ErrInOutbox = errors.New("the recording is in the outbox")

// describeTimeout bounds one reading of a recording. It is long, since the
// largest recording has to fit in: a try that is cut off begins anew.
const describeTimeout = 15 * time.Minute

// rank orders outcomes by what a record of several entries is counted as: one
// that needs a person ranks highest, one that did nothing lowest.
func rank(o outcome) int {
	for i, of := range []outcome{outcomeSkipped, outcomeErased, outcomeDuplicate, outcomeStarted, outcomeDeadLettered} {
		if o == of {
			return i
		}
	}
	return -1
}

// notification starts what the entries of a bucket notification announce, one
// after the other. A record that is given up halfway is handled again from its
// first entry, and repeats start nothing twice.
func (b *Bridge) notification(ctx context.Context, d *consume.Delivery, entries []events.Notified) outcome {
	whole := outcomeSkipped
	for _, n := range entries {
		out := b.notified(ctx, d, n)
		if out == outcomeAbandoned {
			return out
		}
		b.metrics.notified.WithLabelValues(string(out)).Inc()
		if rank(out) > rank(whole) {
			whole = out
		}
	}
	return whole
}

func (b *Bridge) notified(ctx context.Context, d *consume.Delivery, n events.Notified) outcome {
	tenant, id, ok := n.Recording()
	if !ok || n.Bucket != b.deps.Recordings.Bucket() {
		b.log.DebugContext(ctx, "notification skipped", "event", n.Event, "bucket", n.Bucket, "partition", d.Record.Partition, "offset", d.Record.Offset)
		return outcomeSkipped
	}
	// The API's own uploads are notified, too. Asking first saves reading the
	// recordings that were started before.
	known := false
	asked := b.askTemporal(ctx, d, "looking for the workflow", func(ctx context.Context) error {
		info, err := b.find(ctx, id)
		known = info != nil && !b.awaitsAnnouncement(info)
		return err
	})
	switch {
	case !asked:
		return outcomeAbandoned
	case known:
		return outcomeDuplicate
	}
	u, out := b.describe(ctx, d, tenant, id)
	if out != "" {
		return out
	}
	return b.start(ctx, d, u)
}

// describe reads the recording; an outcome means that there is nothing to start,
// and why. It takes no place in the in-flight budget, however fast the store is:
// a recording is large.
func (b *Bridge) describe(ctx context.Context, d *consume.Delivery, t orak.Tenant, id orak.UploadID) (orak.Upload, outcome) {
	var u orak.Upload
	var final error
	d.StepAside(b.store)
	ok := d.Retry(ctx, b.store, "reading the recording", func(ctx context.Context) error {
		var err error
		u, err = b.deps.Recordings.Describe(ctx, t, id)
		var fault *orak.Fault
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrInOutbox) || errors.As(err, &fault) && fault.Class == orak.ClassInput {
			final, err = err, nil
		}
		return err
	})
	switch {
	case !ok:
		return orak.Upload{}, outcomeAbandoned
	case errors.Is(final, fs.ErrNotExist):
		b.log.InfoContext(ctx, "recording no longer exists", "upload_id", id, "tenant", t)
		return orak.Upload{}, outcomeErased
	case errors.Is(final, ErrInOutbox):
		b.log.DebugContext(ctx, "recording is announced by the API", "upload_id", id, "tenant", t)
		return orak.Upload{}, outcomeSkipped
	case final != nil:
		return orak.Upload{}, b.park(ctx, d, orak.BareUpload(t, id), orak.AsFault(final))
	}
	return u, ""
}
