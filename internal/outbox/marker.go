package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak"
	"orak/events"
	"orak/internal/objectstore"
)

// Marker is an outbox entry, the JSON at orak.PendingKey: an upload whose
// event may not be on Kafka yet. Size and SHA256 are zero while the recording
// is being received; who settles the marker then reads it to know them.
type Marker struct {
	orak.Upload
	// Traceparent and Tracestate continue the upload's trace.
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
}

// Entry is a marker of either kind.
type Entry interface {
	Keyed
	// Event makes the event that the marker announces.
	Event() (events.Event, error)
}

var (
	_ Entry = Marker{}
	_ Entry = Erasure{}
)

// Erasure is the JSON at orak.PendingErasureKey: an erasure that was accepted,
// and whose event may not be on Kafka yet.
type Erasure struct {
	events.Erasure
	// RequestedAt is when it was first asked for.
	RequestedAt time.Time `json:"requested_at"`
	// Traceparent and Tracestate continue the request's trace.
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
}

// ByUnknown is who asks for an erasure whose marker cannot be read.
const ByUnknown = "the API"

// ObjectKey is Entry's.
func (e Erasure) ObjectKey() string { return orak.PendingErasureKey(e.Tenant, e.ID) }

// Event is Entry's.
func (e Erasure) Event() (events.Event, error) {
	ev, err := events.NewErasure(e.RequestedAt, e.Erasure)
	if err != nil {
		return events.Event{}, &orak.Fault{Class: orak.ClassInternal, Message: "The erasure cannot be announced.", Err: err}
	}
	ev.Traceparent, ev.Tracestate = e.Traceparent, e.Tracestate
	return ev, nil
}

// ObjectKey is Entry's.
func (m Marker) ObjectKey() string { return orak.PendingKey(m.Tenant, m.ID) }

// Stored is m's upload with what the store knows of its recording: the object
// counts, whoever wrote the marker.
func (m Marker) Stored(info objectstore.Info, sha256 string) orak.Upload {
	u := m.Upload
	u.Key, u.Size, u.SHA256 = info.Key, info.Size, sha256
	if info.ContentType != "" {
		u.ContentType = info.ContentType
	}
	if u.ReceivedAt.IsZero() {
		u.ReceivedAt = info.ModifiedAt.UTC()
	}
	u.ReceivedAt = orak.RecordedAt(info.Metadata, u.ReceivedAt)
	return u
}

// Event is what m stands for.
func (m Marker) Event() (events.Event, error) {
	e, err := events.NewReceived(m.Upload)
	if err != nil {
		return events.Event{}, &orak.Fault{Class: orak.ClassInternal, Message: "The upload cannot be announced.", Err: err}
	}
	e.Traceparent, e.Tracestate = m.Traceparent, m.Tracestate
	return e, nil
}

// Write puts e into the outbox, in place of what was there under its key.
func (o *Outbox) Write(ctx context.Context, e Entry) error {
	if err := objectstore.PutJSON(ctx, o.store, e.ObjectKey(), e, false); err != nil {
		return fmt.Errorf("writing the outbox marker: %w", err)
	}
	return nil
}

// Read fetches a marker; fs.ErrNotExist says that there is none. One
// that cannot be decoded is as good as one that knows nothing: its key has
// the id, and the recording the rest.
func (o *Outbox) Read(ctx context.Context, t orak.Tenant, id orak.UploadID) (Marker, error) {
	m, info, err := objectstore.GetJSON[Marker](ctx, o.store, orak.PendingKey(t, id))
	if err != nil && !errors.Is(err, objectstore.ErrDamaged) {
		return Marker{}, err
	}
	if err != nil || m.ID != id || m.Tenant != t {
		o.log.WarnContext(ctx, "an outbox marker is damaged; its upload is announced by what the store knows", "upload_id", id, "tenant", t, "error", err)
		m = Marker{Upload: orak.Upload{ID: id, Tenant: t, Key: orak.OriginalKey(t, id), ReceivedAt: info.ModifiedAt}}
	}
	return m, nil
}

// readErasure is Read for an erasure. A damaged one still says that the upload
// is to be erased, by its key.
func (o *Outbox) readErasure(ctx context.Context, t orak.Tenant, id orak.UploadID) (Erasure, error) {
	e, info, err := objectstore.GetJSON[Erasure](ctx, o.store, orak.PendingErasureKey(t, id))
	if err != nil && !errors.Is(err, objectstore.ErrDamaged) {
		return Erasure{}, err
	}
	if err != nil || e.ID != id || e.Tenant != t || e.RequestedAt.IsZero() {
		o.log.WarnContext(ctx, "an erasure's outbox marker is damaged; the upload is erased all the same", "upload_id", id, "tenant", t, "error", err)
		e = Erasure{Erasure: events.Erasure{ID: id, Tenant: t, By: ByUnknown}, RequestedAt: info.ModifiedAt}
	}
	return e, nil
}
