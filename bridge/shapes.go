package bridge

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak"
	"orak/events"
)

// Recordings is the store in which notifications announce recordings.
type Recordings interface {
	// Bucket is the one whose notifications count.
	Bucket() string
	// Describe reads the stored recording for what its announcement would
	// say: it follows from the object alone. fs.ErrNotExist (the recording is
	// absent or erased) and ErrInOutbox mean that there is nothing to start; an *orak.Fault of class input means
	// that the recording can never be processed; any other error is worth
	// another try.
	Describe(ctx context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error)
}

// ErrInOutbox means that the API received the recording and has yet to
// announce it, which it will, with more than the object tells.
var ErrInOutbox = errors.New("the recording is in the outbox")

// describeTimeout bounds one reading of a recording. It is long, since the
// largest recording has to fit in: a try that is cut off begins anew.
const describeTimeout = 15 * time.Minute

// outcomeErased: a notification of a recording that is no longer there.
const outcomeErased outcome = "erased"

// newNotified counts the objects in bucket notifications. It registers with
// reg; nil measures for nobody.
func newNotified(reg prometheus.Registerer) *prometheus.CounterVec {
	return promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "orak_bridge_notified_objects_total",
		Help: "Objects in bucket notifications, by what became of them: started, duplicate, erased, skipped or dead_lettered.",
	}, []string{"outcome"})
}

// rank orders outcomes by what a record of several entries is counted as: what
// needs a person comes first, what did nothing last.
func rank(o outcome) int {
	for i, of := range []outcome{outcomeSkipped, outcomeErased, outcomeDuplicate, outcomeStarted, outcomeDeadLettered} {
		if o == of {
			return i
		}
	}
	return -1
}

// settleNotification starts what the entries announce, one after the other. A
// record that is given up halfway is handled again from its first entry, and
// repeats start nothing twice.
func (b *Bridge) settleNotification(ctx context.Context, j *job, entries []events.Notified) outcome {
	whole := outcomeSkipped
	for _, n := range entries {
		out := b.settleNotified(ctx, j, n)
		if !out.settled() {
			return out
		}
		b.notified.WithLabelValues(string(out)).Inc()
		if rank(out) > rank(whole) {
			whole = out
		}
	}
	return whole
}

func (b *Bridge) settleNotified(ctx context.Context, j *job, n events.Notified) outcome {
	tenant, id, ok := n.Recording()
	if !ok || n.Bucket != b.deps.Recordings.Bucket() {
		b.log.Debug("notification skipped", "event", n.Event, "bucket", n.Bucket, "partition", j.r.Partition, "offset", j.r.Offset)
		return outcomeSkipped
	}
	// The API's own uploads are notified, too. Asking first saves reading the
	// recordings of all that were started already.
	known := false
	asked := b.persist(ctx, j, b.temporal, "looking for the workflow", func(ctx context.Context) error {
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
	u, out := b.describe(ctx, j, tenant, id)
	if out != "" {
		return out
	}
	return b.start(ctx, j, u)
}

// describe reads the recording; an outcome means that there is nothing to
// start, and why. However fast the store is, that takes no place in the
// in-flight budget: a recording is large.
func (b *Bridge) describe(ctx context.Context, j *job, t orak.Tenant, id orak.UploadID) (orak.Upload, outcome) {
	var u orak.Upload
	var final error
	b.stepAside(j, b.store)
	ok := b.persistWithin(ctx, j, b.store, describeTimeout, "reading the recording", func(ctx context.Context) error {
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
		b.log.Info("recording is no longer there", "upload_id", id, "tenant", t)
		return orak.Upload{}, outcomeErased
	case errors.Is(final, ErrInOutbox):
		b.log.Debug("recording is announced by the API", "upload_id", id, "tenant", t)
		return orak.Upload{}, outcomeSkipped
	case final != nil:
		return orak.Upload{}, b.park(ctx, j, orak.BareUpload(t, id), orak.AsFault(final))
	}
	return u, ""
}
