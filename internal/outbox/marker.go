package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

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

// maxMarker bounds what is read of a marker, in bytes.
const maxMarker = 64 << 10

// Completed is m's upload with what u knows of the recording.
func (m Marker) Completed(u orak.Upload) orak.Upload {
	c := m.Upload
	c.ID, c.Tenant, c.Key = u.ID, u.Tenant, u.Key
	c.Size, c.SHA256 = u.Size, u.SHA256
	if u.ContentType != "" {
		c.ContentType = u.ContentType
	}
	if c.ReceivedAt.IsZero() {
		c.ReceivedAt = u.ReceivedAt
	}
	return c
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

// Write puts m into the outbox, in place of what was there for the upload.
func (o *Outbox) Write(ctx context.Context, m Marker) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding the outbox marker: %w", err)
	}
	_, err = o.store.Put(ctx, orak.PendingKey(m.Tenant, m.ID), bytes.NewReader(text), objectstore.PutOptions{
		Size: int64(len(text)), ContentType: "application/json",
	})
	if err != nil {
		return fmt.Errorf("writing the outbox marker: %w", err)
	}
	return nil
}

// Read fetches a marker; objectstore.ErrNotFound says that there is none. One
// that cannot be decoded is as good as one that knows nothing: its key has
// the id, and the recording the rest.
func (o *Outbox) Read(ctx context.Context, t orak.Tenant, id orak.UploadID) (Marker, error) {
	r, info, err := o.store.Get(ctx, orak.PendingKey(t, id))
	if err != nil {
		return Marker{}, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxMarker))
	if err != nil {
		return Marker{}, fmt.Errorf("reading the outbox marker: %w", err)
	}
	var m Marker
	if err := json.Unmarshal(text, &m); err != nil || m.ID != id || m.Tenant != t {
		o.log.Warn("an outbox marker is damaged; its upload is announced by what the store knows", "upload_id", id, "tenant", t, "error", err)
		m = Marker{Upload: orak.Upload{ID: id, Tenant: t, Key: orak.OriginalKey(t, id), ReceivedAt: info.ModifiedAt}}
	}
	return m, nil
}
