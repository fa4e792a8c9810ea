package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orak"
)

// Erasure is the data of Erased on TopicUploads: somebody asks for everything
// that is stored of an upload to be removed. The event of the same type on
// TopicLifecycle, whose data is a Lifecycle, says that it is gone.
type Erasure struct {
	ID orak.UploadID `json:"upload_id"`
	// Tenant owns the upload; an erasure by another one is refused.
	Tenant orak.Tenant `json:"tenant"`
	// By is who asks, and Reason why, for the record; Reason may be empty.
	// They have MaxBy and MaxReason bytes at most.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ErasureID is the id of the event that asks for an upload to be erased: one
// per upload, however often it is asked for.
func ErasureID(id orak.UploadID) string { return string(id) + "/" + string(Erased) }

// NewErasure asks for r on TopicUploads; at is when it was asked for. The error
// is that r is not valid.
func NewErasure(at time.Time, r Erasure) (Event, error) {
	if at.IsZero() {
		return Event{}, errors.New("making erasure: want a time")
	}
	if err := Cancellation(r).check(r.ID); err != nil {
		return Event{}, fmt.Errorf("making erasure: %w", err)
	}
	return newEvent(ErasureID(r.ID), Erased, at.UTC(), r.ID, r)
}

// Erasure is the data of an Erased event on TopicUploads, validated. An error
// is an *orak.Fault of class input.
func (e Event) Erasure() (Erasure, error) {
	if e.Type != Erased {
		return Erasure{}, malformed(fmt.Errorf("type: want %s", Erased))
	}
	var r Erasure
	if err := json.Unmarshal(e.Data, &r); err != nil {
		return Erasure{}, malformed(fmt.Errorf("data: %w", err))
	}
	if err := Cancellation(r).check(e.Subject); err != nil {
		return Erasure{}, malformed(fmt.Errorf("data: %w", err))
	}
	return r, nil
}

// checkBare takes an upload of which nothing is said but whose it is and which:
// an erasure is announced without what was erased, and a failed announcement
// may have said no more.
func checkBare(u orak.Upload, subject orak.UploadID) error {
	if _, err := orak.ParseUploadID(string(u.ID)); err != nil {
		return fmt.Errorf("upload_id: %w", err)
	}
	if _, err := orak.ParseTenant(string(u.Tenant)); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	if want := orak.OriginalKey(u.Tenant, u.ID); u.Key != want {
		return fmt.Errorf("key: want %q", want)
	}
	if u.ID != subject {
		return fmt.Errorf("upload_id: want the subject %s", subject)
	}
	return nil
}
