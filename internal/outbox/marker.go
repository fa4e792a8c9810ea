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

// Marker is the JSON at orak.PendingKey: an upload whose event may not be on
// Kafka yet. Size and SHA256 are zero while the recording is being received;
// Publish then takes them from the stored recording.
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

// Erasure is the JSON at orak.PendingErasureKey: an accepted erasure whose event
// may not be on Kafka yet.
type Erasure struct {
	events.Erasure
	// RequestedAt is when the erasure was first requested.
	RequestedAt time.Time `json:"requested_at"`
	// Traceparent and Tracestate continue the request's trace.
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
}

// ByUnknown is the requester of an erasure whose marker cannot be read.
const ByUnknown = "the API"

// ObjectKey implements Keyed.
func (e Erasure) ObjectKey() string { return orak.PendingErasureKey(e.Tenant, e.ID) }

// Event implements Entry.
func (e Erasure) Event() (events.Event, error) {
	ev, err := events.NewErasure(e.RequestedAt, e.Erasure)
	if err != nil {
		return events.Event{}, &orak.Fault{Class: orak.ClassInternal, Message: "The erasure cannot be announced.", Err: err}
	}
	ev.Traceparent, ev.Tracestate = e.Traceparent, e.Tracestate
	return ev, nil
}

// ObjectKey implements Keyed.
func (m Marker) ObjectKey() string { return orak.PendingKey(m.Tenant, m.ID) }

// Stored returns the upload of m, completed from its stored recording. Where the
// two differ, the object is right.
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
	return u.Describe(info.Metadata)
}

// Event implements Entry.
func (m Marker) Event() (events.Event, error) {
	e, err := events.NewReceived(m.Upload)
	if err != nil {
		return events.Event{}, &orak.Fault{Class: orak.ClassInternal, Message: "The upload cannot be announced.", Err: err}
	}
	e.Traceparent, e.Tracestate = m.Traceparent, m.Tracestate
	return e, nil
}

// Write stores a marker and replaces an earlier one of the same key.
func (o *Outbox) Write(ctx context.Context, e Entry) error {
	if err := objectstore.PutJSON(ctx, o.store, e.ObjectKey(), e, false); err != nil {
		return fmt.Errorf("writing the outbox marker: %w", err)
	}
	return nil
}

// Read fetches the marker of an upload; an absent one is fs.ErrNotExist. Of a
// damaged marker it returns what the key says: the recording has the rest.
func (o *Outbox) Read(ctx context.Context, t orak.Tenant, id orak.UploadID) (Marker, error) {
	m, info, err := objectstore.GetJSON[Marker](ctx, o.store, orak.PendingKey(t, id))
	if err != nil && !errors.Is(err, objectstore.ErrDamaged) {
		return Marker{}, err
	}
	if err != nil || m.ID != id || m.Tenant != t {
		o.log.WarnContext(ctx, "an outbox marker is damaged; announcing the upload from its stored recording", "upload_id", id, "tenant", t, "error", err)
		m = Marker{Upload: orak.Upload{ID: id, Tenant: t, Key: orak.OriginalKey(t, id), ReceivedAt: info.ModifiedAt}}
	}
	return m, nil
}

// readErasure is Read for an erasure. The key of a damaged marker still says
// which upload to erase.
func (o *Outbox) readErasure(ctx context.Context, t orak.Tenant, id orak.UploadID) (Erasure, error) {
	e, info, err := objectstore.GetJSON[Erasure](ctx, o.store, orak.PendingErasureKey(t, id))
	if err != nil && !errors.Is(err, objectstore.ErrDamaged) {
		return Erasure{}, err
	}
	if err != nil || e.ID != id || e.Tenant != t || e.RequestedAt.IsZero() {
		o.log.WarnContext(ctx, "an erasure marker is damaged; erasing the upload anyway", "upload_id", id, "tenant", t, "error", err)
		e = Erasure{Erasure: events.Erasure{ID: id, Tenant: t, By: ByUnknown}, RequestedAt: info.ModifiedAt}
	}
	return e, nil
}
