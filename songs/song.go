package songs

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"orak"
)

// ID identifies a song within its tenant: 1 to MaxID of a-z, A-Z, 0-9, '-', '_' and
// '.'. An id of the shipped collection begins with CollectionPrefix.
type ID string

// MaxID is the length of the longest ID in bytes, and MaxText that of a title and of
// an artist.
const (
	MaxID   = 100
	MaxText = 300
)

// LowestNote and HighestNote bound the notes of a song: C0 and G9, the last one of
// MIDI. A lower one than C0 cannot be sung, and 0 stands for an unknown note.
const (
	LowestNote  = 12
	HighestNote = 127
)

// ErrInvalidID is the error of ParseID.
var ErrInvalidID = fmt.Errorf("not a song id: want 1 to %d of letters, digits, '-', '_' and '.'", MaxID)

// ParseID returns untrusted s as an ID, which is safe in paths. Its error is
// ErrInvalidID.
func ParseID(s string) (ID, error) {
	if s == "" || len(s) > MaxID || s == "." || s == ".." {
		return "", ErrInvalidID
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return "", ErrInvalidID
		}
	}
	return ID(s), nil
}

// Song is a song as far as ranking needs it.
type Song struct {
	ID ID
	// Tenant owns the song; empty for the shipped collection, which every tenant
	// sees.
	Tenant orak.Tenant
	// Title and Artist are for people to read: at most MaxText bytes of valid UTF-8
	// without control or format
	// characters. Artist may be empty.
	Title, Artist string
	// LowNote and HighNote bound the melody, in MIDI semitones from LowestNote to
	// HighestNote. Both are 0 where the melody is known only by its reference.
	LowNote, HighNote int
	// Key is the key in which the song is written; empty if it is unknown.
	Key orak.Key
	// TempoBPM is in beats per minute, up to 1000; 0 if it is unknown.
	TempoBPM float64
	// ReferenceUpload is the upload, of kind orak.KindSong, from whose analysis range,
	// key and tempo are taken; empty if there is none.
	ReferenceUpload orak.UploadID

	// TessituraLow and TessituraHigh bound the notes between the 10th and the 90th
	// percentile of the time that is sung, in MIDI semitones; both are 0 if they are
	// unknown. They follow from the notes or from the reference, and are not stored.
	TessituraLow, TessituraHigh int
	// Embedding is that of the reference; empty if there is none. It is not stored.
	Embedding orak.Embedding
}

// Validate returns an error for the first field that is invalid. A song has a range, a
// reference, or both.
func (s Song) Validate() error {
	if _, err := ParseID(string(s.ID)); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	if strings.TrimSpace(s.Title) == "" {
		return errors.New("title: missing")
	}
	if err := validText(s.Title); err != nil {
		return fmt.Errorf("title: %w", err)
	}
	if err := validText(s.Artist); err != nil {
		return fmt.Errorf("artist: %w", err)
	}
	if s.ReferenceUpload != "" {
		if _, err := orak.ParseUploadID(string(s.ReferenceUpload)); err != nil {
			return fmt.Errorf("reference: %w", err)
		}
	}
	if err := s.validRange(); err != nil {
		return err
	}
	if !s.Key.Valid() {
		return errors.New(`key: want a note from C to B, with sharps, and major or minor, such as "F# minor"`)
	}
	if !(s.TempoBPM >= 0 && s.TempoBPM <= 1000) {
		return errors.New("tempo_bpm: want 0 to 1000 beats per minute")
	}
	return nil
}

func (s Song) validRange() error {
	if s.LowNote == 0 && s.HighNote == 0 {
		if s.ReferenceUpload == "" {
			return errors.New("low, high: missing; a song without a reference needs both")
		}
		return nil
	}
	if s.LowNote == 0 || s.HighNote == 0 {
		return errors.New("low, high: want both or neither")
	}
	if s.LowNote < LowestNote || s.HighNote > HighestNote {
		return fmt.Errorf("low, high: want notes from %s to %s", NoteName(LowestNote), NoteName(HighestNote))
	}
	if s.LowNote > s.HighNote {
		return fmt.Errorf("low, high: %s is above %s", NoteName(s.LowNote), NoteName(s.HighNote))
	}
	return nil
}

func validText(s string) error {
	if len(s) > MaxText {
		return fmt.Errorf("%d bytes, want at most %d", len(s), MaxText)
	}
	if !utf8.ValidString(s) {
		return errors.New("not valid UTF-8")
	}
	if strings.ContainsFunc(s, invisible) {
		return errors.New("has a control or format character")
	}
	return nil
}

// invisible reports whether r could deceive a terminal or a reader.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}
