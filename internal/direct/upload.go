package direct

import (
	"errors"
	"time"

	"orak"
	"orak/internal/objectstore"
)

// State is how far a direct upload is.
type State string

// The states. Aborted ones are about to be removed.
const (
	// Waiting: its bytes are awaited, or not verified yet.
	Waiting State = "waiting"
	// Accepting: its recording is verified and becomes an upload, whatever happens.
	Accepting State = "accepting"
	// Refused: its recording was not what was declared, or is not a recording.
	Refused State = "refused"
	// Aborted: by its caller, or because it expired.
	Aborted State = "aborted"
)

// Upload is the JSON at orak.DirectKey.
type Upload struct {
	// Upload is what the caller said of the recording. From Accepting on it has its
	// SHA256, ContentType and ReceivedAt, too.
	orak.Upload
	// Declared is the SHA-256 that the caller expects, in lower-case hex; "" if it
	// does not say.
	Declared string `json:"declared_sha256,omitempty"`
	// PartSize is the size in bytes of each part but the last; 0 means one PUT.
	PartSize int64 `json:"part_size,omitempty"`
	// Multipart is the store's name for the parts.
	Multipart string `json:"multipart,omitempty"`
	State     State  `json:"state"`
	// ExpiresAt is when the last presigned URL ends.
	ExpiresAt time.Time `json:"expires_at"`
	CreatedAt time.Time `json:"created_at"`
	// Refusal is set if the state is Refused.
	Refusal *Refusal `json:"refusal,omitempty"`
	// Verified is the ETag of the bytes that were verified, from Accepting on.
	Verified string `json:"verified,omitempty"`
	// Traceparent and Tracestate continue the trace of the creation.
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`

	// etag is that of the description as it was read.
	etag string
}

// Parts is the number of parts; 0 means one PUT.
func (u Upload) Parts() int {
	if u.PartSize == 0 {
		return 0
	}
	return int((u.Size + u.PartSize - 1) / u.PartSize)
}

// PartLength is the size in bytes of part number, which is 1 to Parts.
func (u Upload) PartLength(number int) int64 {
	return min(u.PartSize, u.Size-int64(number-1)*u.PartSize)
}

func (u Upload) multipart() objectstore.Multipart {
	return objectstore.Multipart{Key: orak.IncomingKey(u.Tenant, u.ID), ID: u.Multipart}
}

// same reports whether another creation declares the same.
func (u Upload) same(o Upload) bool {
	return u.Size == o.Size && u.Declared == o.Declared && u.PartSize == o.PartSize &&
		u.Filename == o.Filename && u.Owner == o.Owner && u.Kind == o.Kind && u.Metadata == o.Metadata
}

// Why says why a recording was refused.
type Why string

// The reasons.
const (
	// WrongSize and WrongDigest: the recording is not what was declared.
	WrongSize   Why = "size"
	WrongDigest Why = "digest"
	// WrongMedia: the recording does not have an accepted media type.
	WrongMedia Why = "media"
	// OtherRecording: the Idempotency-Key was used for another recording.
	OtherRecording Why = "other-recording"
)

// Refusal is the error of a recording that is never accepted.
type Refusal struct {
	Why Why `json:"why"`
}

// Error implements error.
func (r *Refusal) Error() string { return "the recording was refused: " + string(r.Why) }

// The errors of this package, beside *Refusal, *Incomplete, and those of the store.
var (
	// ErrUnknown means that there is no such direct upload, or that it expired or was
	// aborted.
	ErrUnknown = errors.New("no such direct upload")
	// ErrErased means that the upload was erased.
	ErrErased = errors.New("the upload was erased")
	// ErrAccepted means that the recording is an upload already.
	ErrAccepted = errors.New("the direct upload is complete")
	// ErrOther means that the id belongs to an upload of another description.
	ErrOther = errors.New("the direct upload was created with another description")
	// ErrTooMany means that the tenant has Config.MaxTenantUploads open.
	ErrTooMany = errors.New("too many open direct uploads")
	// ErrExpired means that nothing may be sent any more.
	ErrExpired = errors.New("the direct upload has expired")
	// ErrNoParts means that the recording is to be sent with one PUT, and that there
	// is no such part.
	ErrNoParts = errors.New("no such part")
)

// Incomplete means that bytes are missing.
type Incomplete struct {
	// Have and Want count parts. Want is 0 if one PUT is awaited.
	Have, Want int
}

// Error implements error.
func (*Incomplete) Error() string { return "the recording is not there yet" }
