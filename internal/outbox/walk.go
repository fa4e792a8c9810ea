package outbox

import (
	"context"
	"iter"
	"time"

	"orak"
	"orak/internal/objectstore"
)

// Found is a marker as a listing shows it.
type Found struct {
	Tenant orak.Tenant
	ID     orak.UploadID
	// Erasure says that the marker is an Erasure and not a Marker.
	Erasure bool
	// At is when the marker was written.
	At time.Time
}

// ObjectKey implements Keyed.
func (f Found) ObjectKey() string {
	if f.Erasure {
		return orak.PendingErasureKey(f.Tenant, f.ID)
	}
	return orak.PendingKey(f.Tenant, f.ID)
}

// Walk lists the markers in the order of their keys, from the first key after
// the given one; "" lists all. Objects that are not markers are logged and left
// out. Walk ends after an error.
func (o *Outbox) Walk(ctx context.Context, after string) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		for info, err := range o.store.ListAfter(ctx, orak.PendingPrefix, after) {
			if err != nil {
				yield(Found{}, err)
				return
			}
			f, ok := foundAt(info)
			if !ok {
				o.log.DebugContext(ctx, "skipping an object in the outbox that is not a marker", "key", info.Key)
				continue
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

func foundAt(info objectstore.Info) (f Found, ok bool) {
	f.At = info.ModifiedAt
	if f.Tenant, f.ID, ok = orak.ParsePendingKey(info.Key); ok {
		return f, true
	}
	f.Tenant, f.ID, f.Erasure = orak.ParsePendingErasureKey(info.Key)
	return f, f.Erasure
}
