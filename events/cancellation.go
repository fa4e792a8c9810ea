package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"orak"
)

// Cancellation is the data of Canceled on TopicUploads: a request to cancel an
// upload. The event of the same type on TopicLifecycle, whose data is a
// Lifecycle, says that the upload was canceled.
type Cancellation struct {
	ID orak.UploadID `json:"upload_id"`
	// Tenant owns the upload; a cancellation by another tenant is refused.
	Tenant orak.Tenant `json:"tenant"`
	// By is who requests it, at most MaxBy bytes; Reason is why, at most
	// MaxReason bytes, and may be empty.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// MaxBy and MaxReason bound a Cancellation's texts, in bytes.
const (
	MaxBy     = 100
	MaxReason = 500
)

// CancellationID returns the id of the event that requests a cancellation. Every
// request for the same upload has the same id.
func CancellationID(id orak.UploadID) string { return string(id) + "/" + string(Canceled) }

// NewCancellation returns the event on TopicUploads that requests c; at is the
// time of the request. It returns an error if c is invalid.
func NewCancellation(at time.Time, c Cancellation) (Event, error) {
	if at.IsZero() {
		return Event{}, errors.New("making cancellation: want a time")
	}
	if err := c.check(c.ID); err != nil {
		return Event{}, fmt.Errorf("making cancellation: %w", err)
	}
	return newEvent(CancellationID(c.ID), Canceled, at.UTC(), c.ID, c)
}

// Cancellation decodes and validates the data of a Canceled event on
// TopicUploads. An error is an *orak.Fault of class input.
func (e Event) Cancellation() (Cancellation, error) {
	if e.Type != Canceled {
		return Cancellation{}, malformed(fmt.Errorf("type: want %s", Canceled))
	}
	var c Cancellation
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return Cancellation{}, malformed(fmt.Errorf("data: %w", err))
	}
	if err := c.check(e.Subject); err != nil {
		return Cancellation{}, malformed(fmt.Errorf("data: %w", err))
	}
	return c, nil
}

func (c Cancellation) check(subject orak.UploadID) error {
	if _, err := orak.ParseUploadID(string(c.ID)); err != nil {
		return fmt.Errorf("upload_id: %w", err)
	}
	if c.ID != subject {
		return fmt.Errorf("upload_id: want the subject %s", subject)
	}
	if _, err := orak.ParseTenant(string(c.Tenant)); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	switch {
	case c.By == "":
		return errors.New("by: missing")
	case len(c.By) > MaxBy || !utf8.ValidString(c.By):
		return fmt.Errorf("by: want at most %d bytes of UTF-8", MaxBy)
	case len(c.Reason) > MaxReason || !utf8.ValidString(c.Reason):
		return fmt.Errorf("reason: want at most %d bytes of UTF-8", MaxReason)
	}
	return nil
}
