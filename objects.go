package orak

import (
	"strings"
	"time"
)

// The keys of an upload's objects in the bucket. They are contracts:
// operators type them, and downstream readers depend on them.

// PendingPrefix begins the key of every outbox marker.
const PendingPrefix = "pending/"

// OriginalKey is the recording as it was sent.
func OriginalKey(t Tenant, id UploadID) string { return uploadKey(t, id, "original") }

// The metadata of a recording's object, beside it in the store. What orak itself
// did not store has none.
const (
	metaReceivedAt = "orak-received-at"
	metaSHA256     = "orak-sha256"
)

// RecordingMetadata is what is kept beside a recording: when it was accepted,
// so that every answer tells the same, and its digest, where that is known
// before its last byte; empty where it is not.
func RecordingMetadata(receivedAt time.Time, sha256 string) map[string]string {
	meta := map[string]string{metaReceivedAt: receivedAt.UTC().Format(time.RFC3339Nano)}
	if sha256 != "" {
		meta[metaSHA256] = sha256
	}
	return meta
}

// RecordedAt reads Upload.ReceivedAt from a recording's metadata; without it, it
// is stored, the time of the object itself.
func RecordedAt(meta map[string]string, stored time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, meta[metaReceivedAt]); err == nil {
		return at.UTC()
	}
	return stored.UTC()
}

// RecordedSHA256 reads the digest from a recording's metadata; empty where it is
// not there.
func RecordedSHA256(meta map[string]string) string {
	if sum := meta[metaSHA256]; isSHA256(sum) {
		return sum
	}
	return ""
}

// AudioKey is the converted recording: 16 kHz, mono, 16-bit PCM WAV.
func AudioKey(t Tenant, id UploadID) string { return uploadKey(t, id, "audio.wav") }

// AnalysisKey is the Analysis as JSON.
func AnalysisKey(t Tenant, id UploadID) string { return uploadKey(t, id, "analysis.json") }

// PitchKey is the PitchCurve as JSON.
func PitchKey(t Tenant, id UploadID) string { return uploadKey(t, id, "pitch.json") }

// OutcomeKey is the last Progress of a closed upload as JSON. It answers for
// the upload once Temporal has forgotten the workflow (see docs/decisions).
func OutcomeKey(t Tenant, id UploadID) string { return uploadKey(t, id, "outcome.json") }

// UploadPrefix begins the keys of everything that is stored of an upload but
// its outbox marker.
func UploadPrefix(t Tenant, id UploadID) string { return uploadKey(t, id, "") }

// Tombstone is what is left of an upload that somebody asked to be erased. It
// is written before anything is removed.
type Tombstone struct {
	ID          UploadID  `json:"upload_id"`
	RequestedAt time.Time `json:"requested_at"`
	// ErasedAt is zero until everything is gone.
	ErasedAt time.Time `json:"erased_at,omitzero"`
}

// ErasedKey is the Tombstone of an erased upload as JSON: its id and when it was
// erased, nothing of the recording. Nothing is ever started again under its id.
func ErasedKey(t Tenant, id UploadID) string {
	return "erased/" + string(t) + "/" + string(id) + ".json"
}

// Finished points from a recording's bytes to the upload that holds their
// analysis by one engine. The upload may be gone.
type Finished struct {
	UploadID UploadID `json:"upload_id"`
	// PitchSHA256 is the digest of the PitchCurve that belongs to the analysis.
	PitchSHA256 string `json:"pitch_sha256"`
}

// FinishedKey is the Finished of an Engine that is Known, as JSON.
func FinishedKey(t Tenant, sha256 string, e Engine) string {
	return FinishedPrefix(t, sha256) + e.Name + "@" + e.Version + ".json"
}

// FinishedPrefix begins the key of every Finished of the same bytes.
func FinishedPrefix(t Tenant, sha256 string) string {
	return "analyses/" + string(t) + "/" + sha256 + "/"
}

// PendingKey is the outbox marker: it is written before the recording and
// removed once Kafka has acknowledged the upload's event.
func PendingKey(t Tenant, id UploadID) string {
	return PendingPrefix + string(t) + "/" + string(id) + pendingUpload
}

// ParsePendingKey is the inverse of PendingKey; ok is false for any other key.
func ParsePendingKey(key string) (t Tenant, id UploadID, ok bool) {
	return parsePending(key, pendingUpload)
}

// PendingErasureKey is the outbox marker of an erasure: it is written before the
// erasure is answered and removed once Kafka has acknowledged its event.
func PendingErasureKey(t Tenant, id UploadID) string {
	return PendingPrefix + string(t) + "/" + string(id) + pendingErasure
}

// ParsePendingErasureKey is the inverse of PendingErasureKey; ok is false for
// any other key.
func ParsePendingErasureKey(key string) (t Tenant, id UploadID, ok bool) {
	return parsePending(key, pendingErasure)
}

// The ends of the markers' keys.
const (
	pendingUpload  = ".json"
	pendingErasure = ".erasure.json"
)

func parsePending(key, suffix string) (t Tenant, id UploadID, ok bool) {
	rest, found := strings.CutPrefix(key, PendingPrefix)
	if !found {
		return "", "", false
	}
	tenant, file, found := strings.Cut(rest, "/")
	if !found {
		return "", "", false
	}
	name, found := strings.CutSuffix(file, suffix)
	if !found {
		return "", "", false
	}
	t, tErr := ParseTenant(tenant)
	id, idErr := ParseUploadID(name)
	if tErr != nil || idErr != nil {
		return "", "", false
	}
	return t, id, true
}

func uploadKey(t Tenant, id UploadID, name string) string {
	return "uploads/" + string(t) + "/" + string(id) + "/" + name
}
