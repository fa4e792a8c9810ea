package resource

import (
	"time"

	"orak"
)

// NewDirect is the request for a direct upload: one whose recording its sender puts
// into the store, by presigned requests.
type NewDirect struct {
	// Size is that of the recording, in bytes: exactly as much must be sent.
	Size int64 `json:"size"`
	// SHA256 is its digest, 64 lower-case hex digits; "" if it is not known. A recording
	// with another one is refused.
	SHA256 string `json:"sha256,omitempty"`
	// PartSize is the size in bytes of each part but the last, 5 MiB to 5 GiB, of which
	// there may be 10,000; 0 means one PUT, of up to 5 GiB.
	PartSize int64         `json:"part_size,omitempty"`
	Filename string        `json:"filename,omitempty"`
	Owner    string        `json:"owner,omitempty"`
	Kind     string        `json:"kind,omitempty"`
	Metadata orak.Metadata `json:"metadata,omitempty"`
}

// The states of a Direct.
const (
	// DirectWaiting: the recording, or the call that completes it, is awaited.
	DirectWaiting = "waiting"
	// DirectAccepted: the recording is an upload, or certain to become one.
	DirectAccepted = "accepted"
	// DirectRefused: the recording is not what was declared, or is not a recording.
	DirectRefused = "refused"
)

// Direct is a direct upload.
type Direct struct {
	// ID is that of the upload from its completion on.
	ID    orak.UploadID `json:"id"`
	State string        `json:"state"`
	// Size and PartSize are as in NewDirect. PartCount is the number of parts; 0 means
	// one PUT.
	Size      int64 `json:"size"`
	PartSize  int64 `json:"part_size,omitempty"`
	PartCount int   `json:"part_count,omitempty"`
	// ExpiresAt is when the upload expires unless its recording is there.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Put sends the recording; nil for one in parts, and once nothing is awaited.
	Put *SignedRequest `json:"put,omitempty"`
	// Refusal says why the recording was refused; nil unless it was.
	Refusal *Problem    `json:"refusal,omitempty"`
	Links   DirectLinks `json:"links"`
}

// DirectLinks are paths on the same host. GET and DELETE Self; POST to Parts for
// signed requests, GET it for what is there; POST to Complete.
type DirectLinks struct {
	Self     string `json:"self"`
	Parts    string `json:"parts"`
	Complete string `json:"complete"`
	// Upload answers 409 until the upload is complete.
	Upload string `json:"upload"`
}

// SignedRequest is a request that may be sent to the store as it is, without
// credentials. It is a secret.
type SignedRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// Headers must be sent, beside the Content-Length that every client sends.
	Headers map[string]string `json:"headers"`
	// ExpiresAt is when it can no longer be begun.
	ExpiresAt time.Time `json:"expires_at"`
}

// SignParts is the request for signed requests.
type SignParts struct {
	// Numbers are those of the parts, from 1 on; 100 at most.
	Numbers []int `json:"numbers"`
}

// SignedParts is the answer to SignParts, in its order.
type SignedParts struct {
	Parts []SignedPart `json:"parts"`
}

// SignedPart sends one part.
type SignedPart struct {
	Number int `json:"number"`
	// Size is the exact length of the part, in bytes.
	Size int64 `json:"size"`
	SignedRequest
}

// DirectParts lists the parts that are there, by number.
type DirectParts struct {
	Parts []DirectPart `json:"parts"`
}

// DirectPart is a part that is there.
type DirectPart struct {
	Number int `json:"number"`
	// Size is in bytes.
	Size int64  `json:"size"`
	ETag string `json:"etag"`
}
