// Package accounts accounts for every upload of a run: it reads Kafka, Temporal, the
// store and the index from outside, and compares what it sees with what the apps were
// answered. Command chaos and the drills of a rehearsal share it.
//
//	Upload     what an app sent, what it was answered, and how it must end
//	Reader     reads the servers: Look returns what they have
//	Check      compares both, promise by promise
package accounts

import "orak"

// Upload is one recording that an app has sent.
type Upload struct {
	// Name is the file name, which identifies an upload whose answer was lost.
	Name string
	// Keyed apps send an Idempotency-Key, so that their repeats are one upload; the
	// repeats of the others are separate uploads.
	Keyed bool
	// Operate is what an operator does with it: Reprocess, Discard or Erase; empty
	// for nothing.
	Operate string
	Want    Outcome
	// ID is that of the answer 202; empty without one.
	ID orak.UploadID
	// Problem is a broken promise that the app has seen.
	Problem string
}

// An operator's decisions about an upload.
const (
	Reprocess = "reprocess"
	Discard   = "discard"
	// Erase removes a completed upload.
	Erase = "erase"
)

// Outcome is the expected outcome of an upload.
type Outcome struct {
	// Refused is the status of a refusal; 0 if the upload is accepted.
	Refused int
	// Class is the true cause of its dead letter; empty if it completes.
	Class orak.Class
	// Fixed says that the cause of the dead letter is gone when the upload is
	// reprocessed, so that it completes in the end.
	Fixed bool
	// DurationS is the duration of the audio in it, within a fifth of a second;
	// 0 if it cannot be known.
	DurationS float64
	// Attempts is the number that the dead letter must show; 0 for any.
	Attempts int
}

// Completes reports whether the upload gets an analysis.
func (o Outcome) Completes() bool { return o.Refused == 0 && (o.Class == "" || o.Fixed) }

// Addresses are host:port; API is a URL.
type Addresses struct {
	API string
	// Kafka has one broker or several.
	Kafka                []string
	Temporal, S3         string
	AccessKey, SecretKey string
	// Tenant is the one of the run's uploads, and Key the API key that may act for
	// it; empty without credentials.
	Tenant orak.Tenant
	Key    string
}
