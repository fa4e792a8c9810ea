package orak

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a recording is of.
type Kind string

const (
	// KindVoice is a person's voice: the kind of every upload that names none.
	KindVoice Kind = ""
	// KindSong is the reference recording of a song. Nobody waits for it, so it is
	// processed with the lowest priority.
	KindSong Kind = "song"
)

// voiceName is what callers may write for KindVoice.
const voiceName = "voice"

// ErrInvalidKind is the error of ParseKind.
var ErrInvalidKind = errors.New("not a kind: want voice or song")

// ParseKind returns untrusted s as a Kind. "" and "voice" are KindVoice. Its error is
// ErrInvalidKind.
func ParseKind(s string) (Kind, error) {
	switch s {
	case string(KindVoice), voiceName:
		return KindVoice, nil
	case string(KindSong):
		return KindSong, nil
	default:
		return "", ErrInvalidKind
	}
}

// String returns "voice" or "song".
func (k Kind) String() string {
	if k == KindVoice {
		return voiceName
	}
	return string(k)
}

// MaxOwner bounds Upload.Owner, in bytes.
const MaxOwner = 200

// ParseOwner checks untrusted s as an Upload.Owner.
func ParseOwner(s string) (string, error) {
	switch {
	case len(s) > MaxOwner:
		return "", fmt.Errorf("want at most %d bytes", MaxOwner)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, invisible):
		return "", errors.New("want UTF-8 without control characters")
	default:
		return s, nil
	}
}

// invisible reports whether r is a control or format character, which could deceive
// a terminal or a reader.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// MaxMetadata bounds Metadata, in bytes without insignificant space.
const MaxMetadata = 4 << 10

// Metadata is a JSON object of the caller's own, without insignificant space; ""
// if there is none. orak passes it on and never reads it.
type Metadata string

// ParseMetadata returns untrusted JSON as Metadata. An empty object is no metadata.
func ParseMetadata(data []byte) (Metadata, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		return "", nil
	}
	if data[0] != '{' || !utf8.Valid(data) {
		return "", errors.New("want a JSON object in UTF-8")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return "", errors.New("want a JSON object in UTF-8")
	}
	if compact.Len() > MaxMetadata {
		return "", fmt.Errorf("want at most %d bytes of JSON", MaxMetadata)
	}
	if compact.String() == "{}" {
		return "", nil
	}
	return Metadata(compact.String()), nil
}

// MarshalJSON implements json.Marshaler: the object itself, or null.
func (m Metadata) MarshalJSON() ([]byte, error) {
	if m == "" {
		return []byte("null"), nil
	}
	return []byte(m), nil
}

// UnmarshalJSON implements json.Unmarshaler. It returns the errors of
// ParseMetadata.
func (m *Metadata) UnmarshalJSON(data []byte) error {
	parsed, err := ParseMetadata(data)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	*m = parsed
	return nil
}
