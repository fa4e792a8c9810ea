package resumable

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"orak"
	"orak/internal/objectstore"
)

// phase is how far an upload is.
type phase string

const (
	receiving phase = "receiving"
	// completing means that every byte arrived and that the recording is being
	// stored; SHA256 of the upload is set.
	completing phase = "completing"
	// terminated is final: by its sender, or because it expired.
	terminated phase = "terminated"
)

// state is the JSON at orak.TusKey.
type state struct {
	// Upload has the description and the declared Size. ContentType and SHA256 are
	// empty until they are known.
	Upload    orak.Upload `json:"upload"`
	ExpiresAt time.Time   `json:"expires_at"`
	Phase     phase       `json:"phase"`
	// Epoch numbers the requests that wrote. Open means that the last one has not
	// ended in order: there may be pieces of its epoch that are not in Pieces.
	Epoch int64 `json:"epoch"`
	Open  bool  `json:"open,omitempty"`
	// Checked means that what an open request wrote does not count before its
	// checksum was verified.
	Checked bool `json:"checked,omitempty"`
	// Offset is how many bytes are stored, and Hash the state of their SHA-256.
	Offset int64  `json:"offset"`
	Hash   []byte `json:"hash"`
	// Parts, and after them Pieces, have all bytes up to Offset.
	Multipart string             `json:"multipart,omitempty"`
	Parts     []objectstore.Part `json:"parts,omitempty"`
	Pieces    []piece            `json:"pieces,omitempty"`
	// Next is the number of the next part. An excluded request may still send the
	// part of the number that was next for it, so its successor leaves that out.
	Next int `json:"next"`
	// Given is Creation.Given.
	Given string `json:"given,omitempty"`
	// Traceparent and Tracestate are those of the creation.
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
	// Nonce differs in every version, so that a writer whose answer was lost finds
	// its own.
	Nonce string `json:"nonce"`
}

// piece is a run of bytes in an object of its own.
type piece struct {
	// Name follows orak.TusPrefix in the key.
	Name string `json:"name"`
	// Size is in bytes.
	Size int64 `json:"size"`
}

// pieceName orders the pieces of an epoch by their offsets.
func pieceName(epoch, offset int64) string { return fmt.Sprintf("%s%020d", epochPrefix(epoch), offset) }

func epochPrefix(epoch int64) string { return fmt.Sprintf("%010d-", epoch) }

func (s *state) pieceKey(name string) string {
	return orak.TusPrefix(s.Upload.Tenant, s.Upload.ID) + name
}

func (s *state) key() string { return orak.TusKey(s.Upload.Tenant, s.Upload.ID) }

func (s *state) multipart() objectstore.Multipart {
	return objectstore.Multipart{Key: s.Upload.Key, ID: s.Multipart}
}

// pending is the size of the pieces in bytes.
func (s *state) pending() int64 {
	var n int64
	for _, p := range s.Pieces {
		n += p.Size
	}
	return n
}

// sum returns the running digest of what is stored.
func (s *state) sum() (hash.Hash, error) {
	h := sha256.New()
	if len(s.Hash) == 0 {
		return h, nil
	}
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.Hash); err != nil {
		return nil, &orak.Fault{Class: orak.ClassInternal, Message: "The state of the upload is damaged.", Err: err}
	}
	return h, nil
}

// frozen is the state of a running digest.
func frozen(h hash.Hash) ([]byte, error) { return h.(encoding.BinaryMarshaler).MarshalBinary() }

func digestOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// versioned is a state as it was read or written.
type versioned struct {
	state
	etag string
	// at is when it was written, by the store's clock or ours.
	at time.Time
}

// read fetches the state; an absent one is fs.ErrNotExist.
func (u *Uploads) read(ctx context.Context, t orak.Tenant, id orak.UploadID) (versioned, error) {
	st, info, err := objectstore.GetJSON[state](ctx, u.store, orak.TusKey(t, id))
	if err != nil {
		return versioned{}, err
	}
	if st.Upload.ID != id || st.Upload.Tenant != t {
		return versioned{}, fmt.Errorf("reading the state of a resumable upload: %w: it names another upload", objectstore.ErrDamaged)
	}
	return versioned{state: st, etag: info.ETag, at: info.ModifiedAt}, nil
}

// write replaces the version v. errLost means that another request has replaced it.
func (u *Uploads) write(ctx context.Context, v versioned, next state) (versioned, error) {
	next.Nonce = rand.Text()
	etag, err := objectstore.ReplaceJSON(ctx, u.store, next.key(), next, v.etag)
	if err == nil {
		return versioned{state: next, etag: etag, at: time.Now()}, nil
	}
	if !errors.Is(err, objectstore.ErrChanged) {
		return v, fmt.Errorf("writing the state of a resumable upload: %w", err)
	}
	// The first answer may have been lost, and a repeat fails then.
	found, readErr := u.read(ctx, next.Upload.Tenant, next.Upload.ID)
	if readErr == nil && found.Nonce == next.Nonce {
		return found, nil
	}
	return v, errLost
}

// errLost means that another request has written the state.
var errLost = errors.New("another request writes this upload")
