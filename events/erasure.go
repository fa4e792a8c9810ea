package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orak"
)

// Erasure is the data of Erased on TopicUploads: a request to remove everything
// that is stored of an upload. The event of the same type on TopicLifecycle, whose
// data is a Lifecycle, says that it was removed.
type Erasure struct {
	ID orak.UploadID `json:"upload_id"`
	// Tenant owns the upload; an erasure by another tenant is refused.
	Tenant orak.Tenant `json:"tenant"`
	// By is who requests it, at most MaxBy bytes; Reason is why, at most
	// MaxReason bytes, and may be empty.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// ErasureID returns the id of the event that requests an erasure. Every request
// for the same upload has the same id.
func ErasureID(id orak.UploadID) string { return string(id) + "/" + string(Erased) }

// NewErasure returns the event on TopicUploads that requests r; at is the time of
// the request. It returns an error if r is invalid.
func NewErasure(at time.Time, r Erasure) (Event, error) {
	if at.IsZero() {
		return Event{}, errors.New("making erasure: want a time")
	}
	if err := Cancellation(r).check(r.ID); err != nil {
		return Event{}, fmt.Errorf("making erasure: %w", err)
	}
	return newEvent(ErasureID(r.ID), Erased, at.UTC(), r.ID, r)
}

// Erasure decodes and validates the data of an Erased event on TopicUploads. An
// error is an *orak.Fault of class input.
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

// checkBare accepts a bare upload as well: the event of an erasure does not
// repeat what was erased, and a failed announcement may have had no more.
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
