package orak

import (
	"errors"
	"fmt"
	"time"
)

// UploadID identifies an upload. It is a UUID in its canonical lower-case form: of
// version 7 (time-ordered), or of version 5 from the tenant and the
// Idempotency-Key, so that a repeated request has the same id.
type UploadID string

// TimePrecision is that of the time at which an upload is accepted. More digits say
// nothing, and a history has each of them eight times.
const TimePrecision = time.Millisecond

// ErrInvalidID is the error of ParseUploadID.
var ErrInvalidID = errors.New("not an upload id: want a lower-case UUID")

// ParseUploadID returns untrusted s as an UploadID, which is safe in object keys,
// workflow ids and visibility queries. Its error is ErrInvalidID.
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

// Tenant is the owner of an upload. It is a DNS label: 1 to 63 of a-z, 0-9 and '-',
// beginning and ending with a letter or digit.
type Tenant string

// DefaultTenant is the tenant of callers that name none.
const DefaultTenant Tenant = "default"

// ErrInvalidTenant is the error of ParseTenant.
var ErrInvalidTenant = errors.New("not a tenant: want 1 to 63 of a-z, 0-9 and '-'")

// ParseTenant returns untrusted s as a Tenant, which is safe in object keys and
// visibility queries. Its error is ErrInvalidTenant.
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

// Upload describes an accepted recording. It has none of its bytes.
type Upload struct {
	ID     UploadID `json:"upload_id"`
	Tenant Tenant   `json:"tenant"`
	// Key is the key of the recording as it was sent.
	Key string `json:"key"`
	// ContentType is the media type that was sniffed from the first bytes, not the
	// one that the caller declared.
	ContentType string `json:"content_type,omitzero"`
	// Filename is the caller's name for the file, for people to read: at most
	// MaxFilename bytes of valid UTF-8 without control characters, and never
	// a path. It may be empty.
	Filename string `json:"filename,omitempty"`
	// Size is the length of the recording in bytes.
	Size int64 `json:"size,omitzero"`
	// SHA256 is the digest of the recording, 64 lower-case hex digits.
	SHA256 string `json:"sha256,omitzero"`
	// ReceivedAt is when the upload was accepted, in UTC, mostly of TimePrecision.
	ReceivedAt time.Time `json:"received_at,omitzero"`
	// Owner is the caller's name for the person whose recording it is: at most
	// MaxOwner bytes of UTF-8 without control characters. It may be empty.
	Owner string `json:"owner,omitempty"`
	Kind  Kind   `json:"kind,omitempty"`
	// Metadata is never in the lake, an alert or a log.
	Metadata Metadata `json:"metadata,omitempty"`
}

// BareUpload returns an Upload with only the tenant, the id and the key. It stands
// for an upload that was erased, or whose announcement was refused.
func BareUpload(t Tenant, id UploadID) Upload {
	return Upload{ID: id, Tenant: t, Key: OriginalKey(t, id)}
}

// Validate returns an error for the first field that is invalid. Call it for every
// Upload that comes from outside the process.
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
	if !IsSHA256(u.SHA256) {
		return errors.New("sha256: want 64 lower-case hex digits")
	}
	if u.ReceivedAt.IsZero() {
		return errors.New("received_at: missing")
	}
	return u.checkDescription()
}

// checkDescription checks what the caller says of the recording.
func (u Upload) checkDescription() error {
	if _, err := ParseOwner(u.Owner); err != nil {
		return fmt.Errorf("owner: %w", err)
	}
	if _, err := ParseKind(string(u.Kind)); err != nil || u.Kind == voiceName {
		return fmt.Errorf("kind: %w", ErrInvalidKind)
	}
	if m, err := ParseMetadata([]byte(u.Metadata)); err != nil || m != u.Metadata {
		return errors.New("metadata: want a compact JSON object")
	}
	return nil
}

// IsSHA256 reports whether s is a digest as in Upload.SHA256.
func IsSHA256(s string) bool {
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
