package orak

import (
	"errors"
	"fmt"
	"time"
)

// UploadID names one upload: a UUID in its canonical lower-case form, version
// 7 (time-ordered) for a fresh upload or version 5 of (tenant,
// Idempotency-Key) for one that its caller may repeat.
type UploadID string

// ErrInvalidID is what ParseUploadID returns for anything but a canonical UUID.
var ErrInvalidID = errors.New("not an upload id: want a lower-case UUID")

// ParseUploadID checks s, which may come from anywhere. An UploadID that came
// from it is safe inside object keys, workflow ids and visibility queries.
func ParseUploadID(s string) (UploadID, error) {
	if len(s) != 36 {
		return "", ErrInvalidID
	}
	for i, c := range []byte(s) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return "", ErrInvalidID
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return "", ErrInvalidID
			}
		}
	}
	return UploadID(s), nil
}

// Tenant names whose upload it is. It is a DNS label: 1 to 63 of a-z, 0-9
// and '-', beginning and ending with a letter or digit.
type Tenant string

// DefaultTenant owns the uploads of callers that name no tenant.
const DefaultTenant Tenant = "default"

// ErrInvalidTenant is what ParseTenant returns for anything but a DNS label.
var ErrInvalidTenant = errors.New("not a tenant: want 1 to 63 of a-z, 0-9 and '-'")

// ParseTenant checks s, which may come from anywhere. A Tenant that came from
// it is safe inside object keys and visibility queries.
func ParseTenant(s string) (Tenant, error) {
	if len(s) < 1 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return "", ErrInvalidTenant
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", ErrInvalidTenant
		}
	}
	return Tenant(s), nil
}

// Upload is one accepted recording: what was stored, never the bytes.
type Upload struct {
	ID     UploadID `json:"upload_id"`
	Tenant Tenant   `json:"tenant"`
	// Key is the object that holds the recording as it was sent.
	Key string `json:"key"`
	// ContentType is the media type sniffed from the first bytes, not the
	// one that the caller claimed.
	ContentType string `json:"content_type,omitzero"`
	// Filename is the caller's own name for the file, for people to read:
	// at most 255 bytes of valid UTF-8 without control characters, and
	// never a path. It may be empty.
	Filename string `json:"filename,omitempty"`
	// Size is the recording's length in bytes.
	Size int64 `json:"size,omitzero"`
	// SHA256 is the digest of the recording, 64 lower-case hex digits.
	SHA256 string `json:"sha256,omitzero"`
	// ReceivedAt is when the upload was accepted, in UTC.
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// BareUpload is an upload of which nothing may be said, since it was erased, or
// nothing is known, since its announcement cannot be used: whose it is and
// which, nothing of the recording.
func BareUpload(t Tenant, id UploadID) Upload {
	return Upload{ID: id, Tenant: t, Key: OriginalKey(t, id)}
}

// Validate reports the first thing that makes u unusable. Whoever reads an
// Upload from outside the process calls it.
func (u Upload) Validate() error {
	if _, err := ParseUploadID(string(u.ID)); err != nil {
		return fmt.Errorf("upload_id: %w", err)
	}
	if _, err := ParseTenant(string(u.Tenant)); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	if want := OriginalKey(u.Tenant, u.ID); u.Key != want {
		return fmt.Errorf("key: want %q", want)
	}
	if u.Size <= 0 {
		return errors.New("size: want more than 0 bytes")
	}
	if !isSHA256(u.SHA256) {
		return errors.New("sha256: want 64 lower-case hex digits")
	}
	if u.ReceivedAt.IsZero() {
		return errors.New("received_at: missing")
	}
	return nil
}

func isSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
