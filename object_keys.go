package orak

import (
	"net/url"
	"strings"
	"time"
)

// The keys of an upload's objects in the bucket are contracts: operators type them,
// and other programs depend on them.

// PendingPrefix is the prefix of the keys of all outbox markers.
const PendingPrefix = "pending/"

// OriginalKey returns the key of the recording as it was sent.
func OriginalKey(t Tenant, id UploadID) string { return uploadKey(t, id, "original") }

// The metadata of a recording's object. Recordings that other programs stored have
// none.
const (
	metaReceivedAt = "orak-received-at"
	metaSHA256     = "orak-sha256"
	metaKind       = "orak-kind"
	metaOwner      = "orak-owner"
)

// RecordingMetadata returns the metadata of a recording's object: when it was
// accepted, if that is known, so that every answer has the same time; its digest, if that is known
// before its last byte (sha256 may be empty); its kind and its owner, so that neither
// is lost with the event. Upload.Metadata may be too large for it.
func RecordingMetadata(u Upload, sha256 string) map[string]string {
	meta := map[string]string{}
	if !u.ReceivedAt.IsZero() {
		meta[metaReceivedAt] = u.ReceivedAt.UTC().Format(time.RFC3339Nano)
	}
	if sha256 != "" {
		meta[metaSHA256] = sha256
	}
	if u.Kind != KindVoice {
		meta[metaKind] = string(u.Kind)
	}
	if u.Owner != "" {
		meta[metaOwner] = url.PathEscape(u.Owner) // the values of headers are ASCII
	}
	return meta
}

// Describe completes u from a recording's metadata, where u lacks the kind or the
// owner. Metadata that is invalid is ignored.
func (u Upload) Describe(meta map[string]string) Upload {
	if kind, err := ParseKind(meta[metaKind]); err == nil && u.Kind == KindVoice {
		u.Kind = kind
	}
	if u.Owner != "" {
		return u
	}
	if owner, err := url.PathUnescape(meta[metaOwner]); err == nil {
		if owner, err = ParseOwner(owner); err == nil {
			u.Owner = owner
		}
	}
	return u
}

// RecordedAt reads Upload.ReceivedAt from a recording's metadata. Without metadata
// it returns stored, the time of the object.
func RecordedAt(meta map[string]string, stored time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, meta[metaReceivedAt]); err == nil {
		return at.UTC()
	}
	return stored.UTC()
}

// RecordedSHA256 reads the digest from a recording's metadata; it returns "" if
// there is none.
func RecordedSHA256(meta map[string]string) string {
	if sum := meta[metaSHA256]; IsSHA256(sum) {
		return sum
	}
	return ""
}

// AudioKey returns the key of the converted recording: 16 kHz, mono, 16-bit PCM WAV.
func AudioKey(t Tenant, id UploadID) string { return uploadKey(t, id, "audio.wav") }

// AnalysisKey returns the key of the Analysis, which is JSON.
func AnalysisKey(t Tenant, id UploadID) string { return uploadKey(t, id, "analysis.json") }

// PitchKey returns the key of the PitchCurve, which is JSON.
func PitchKey(t Tenant, id UploadID) string { return uploadKey(t, id, "pitch.json") }

// OutcomeKey returns the key of the last Progress of a closed upload, which is
// JSON. The API reads it once Temporal has deleted the workflow (see
// docs/decisions/0001-outcome-object.md).
func OutcomeKey(t Tenant, id UploadID) string { return uploadKey(t, id, "outcome.json") }

// UploadPrefix returns the prefix of the keys of everything that is stored of an
// upload, except its outbox markers and tombstone.
func UploadPrefix(t Tenant, id UploadID) string { return uploadKey(t, id, "") }

// ParseUploadKey returns whose object below an UploadPrefix a key names; ok is false for
// any other key.
func ParseUploadKey(key string) (t Tenant, id UploadID, ok bool) {
	folder, name, found := cutLast(key)
	if !found || name == "" {
		return "", "", false
	}
	return parseKey(folder, "uploads/", "")
}

// cutLast cuts a key at its last slash.
func cutLast(key string) (folder, name string, found bool) {
	at := strings.LastIndexByte(key, '/')
	if at < 0 {
		return "", "", false
	}
	return key[:at], key[at+1:], true
}

// Tombstone remains of an erased upload. It is written before anything is removed.
type Tombstone struct {
	ID          UploadID  `json:"upload_id"`
	RequestedAt time.Time `json:"requested_at"`
	// ErasedAt is zero until everything is removed.
	ErasedAt time.Time `json:"erased_at,omitzero"`
}

// ErasedKey returns the key of the Tombstone of an erased upload, which is JSON. No
// workflow is ever started for an upload that has one.
func ErasedKey(t Tenant, id UploadID) string {
	return "erased/" + string(t) + "/" + string(id) + ".json"
}

// Finished points from the bytes of a recording to an upload that has their
// analysis by one engine. That upload may have been erased.
type Finished struct {
	UploadID UploadID `json:"upload_id"`
	// PitchSHA256 is the digest of the PitchCurve that belongs to the analysis.
	PitchSHA256 string `json:"pitch_sha256"`
}

// FinishedKey returns the key of the Finished of an Engine that is Known, which is
// JSON.
func FinishedKey(t Tenant, sha256 string, e Engine) string {
	return FinishedPrefix(t, sha256) + e.Name + "@" + e.Version + ".json"
}

// FinishedPrefix returns the prefix of the keys of all Finished of the same bytes.
func FinishedPrefix(t Tenant, sha256 string) string {
	return "analyses/" + string(t) + "/" + sha256 + "/"
}

// TusRoot is the prefix of the keys of all unfinished resumable uploads.
const TusRoot = "tus/"

// TusKey returns the key of the state of an unfinished resumable upload, which is JSON.
func TusKey(t Tenant, id UploadID) string { return TusRoot + string(t) + "/" + string(id) + ".json" }

// TusPrefix returns the prefix of the keys of what arrived of it and is too small for
// a part.
func TusPrefix(t Tenant, id UploadID) string { return TusRoot + string(t) + "/" + string(id) + "/" }

// ParseTusKey is the inverse of TusKey; ok is false for any other key.
func ParseTusKey(key string) (t Tenant, id UploadID, ok bool) {
	return parseKey(key, TusRoot, ".json")
}

// PendingKey returns the key of an upload's outbox marker, which is written before
// the recording and removed after Kafka has acknowledged the upload's event.
func PendingKey(t Tenant, id UploadID) string {
	return PendingPrefix + string(t) + "/" + string(id) + pendingUpload
}

// ParsePendingKey is the inverse of PendingKey; ok is false for any other key.
func ParsePendingKey(key string) (t Tenant, id UploadID, ok bool) {
	return parseKey(key, PendingPrefix, pendingUpload)
}

// PendingErasureKey returns the key of the outbox marker of an erasure, which is
// written before the erasure is answered and removed after Kafka has acknowledged
// its event.
func PendingErasureKey(t Tenant, id UploadID) string {
	return PendingPrefix + string(t) + "/" + string(id) + pendingErasure
}

// ParsePendingErasureKey is the inverse of PendingErasureKey; ok is false for
// any other key.
func ParsePendingErasureKey(key string) (t Tenant, id UploadID, ok bool) {
	return parseKey(key, PendingPrefix, pendingErasure)
}

// The suffixes of the markers' keys.
const (
	pendingUpload  = ".json"
	pendingErasure = ".erasure.json"
)

func parseKey(key, prefix, suffix string) (t Tenant, id UploadID, ok bool) {
	rest, found := strings.CutPrefix(key, prefix)
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

// The prefixes of what belongs to direct uploads: recordings that apps send to the
// store themselves.
const (
	// DirectPrefix is that of the keys of all descriptions.
	DirectPrefix = "direct/"
	// IncomingPrefix is that of the keys of all recordings that are not verified.
	IncomingPrefix = "incoming/"
)

// DirectKey returns the key of the description of a direct upload, which is JSON. It
// is written before anyone may send the recording, and removed last.
func DirectKey(t Tenant, id UploadID) string {
	return DirectPrefix + string(t) + "/" + string(id) + directSuffix
}

// ParseDirectKey is the inverse of DirectKey; ok is false for any other key.
func ParseDirectKey(key string) (t Tenant, id UploadID, ok bool) {
	return parseKey(key, DirectPrefix, directSuffix)
}

const directSuffix = ".json"

// IncomingKey returns the key of the recording of a direct upload until it is
// verified and copied to OriginalKey.
func IncomingKey(t Tenant, id UploadID) string {
	return IncomingPrefix + string(t) + "/" + string(id)
}

// ParseIncomingKey is the inverse of IncomingKey; ok is false for any other key.
func ParseIncomingKey(key string) (t Tenant, id UploadID, ok bool) {
	return parseKey(key, IncomingPrefix, "")
}

// LoginCodePrefix is the prefix of the keys of what is kept for login codes for some
// minutes.
const LoginCodePrefix = "login-codes/"

// LoginCodeKey returns the key of what is kept for the login code of that name, which is
// JSON.
func LoginCodeKey(name string) string { return LoginCodePrefix + name + ".json" }

func uploadKey(t Tenant, id UploadID, name string) string {
	return "uploads/" + string(t) + "/" + string(id) + "/" + name
}
