package songs

import (
	"fmt"
	"strconv"
	"strings"

	"orak"
)

// NoteName returns a note in scientific pitch notation, with sharps only: 60 is "C4".
func NoteName(note int) string {
	class := ((note % 12) + 12) % 12
	return orak.PitchClasses()[class] + strconv.Itoa((note-class)/12-1)
}

// ParseNote returns a note in scientific pitch notation, such as "C4", "F#3" or "Bb3",
// in MIDI semitones from LowestNote to HighestNote.
func ParseNote(s string) (int, error) {
	class, octave, ok := parsePitchClass(s)
	if !ok || len(octave) != 1 || octave[0] < '0' || octave[0] > '9' {
		return 0, fmt.Errorf("not a note: %.20q; want one such as C4, F#3 or Bb3", s)
	}
	note := class + 12*(int(octave[0]-'0')+1)
	if note < LowestNote || note > HighestNote {
		return 0, fmt.Errorf("%s is not between %s and %s", s, NoteName(LowestNote), NoteName(HighestNote))
	}
	return note, nil
}

// ParseKey returns a key such as "G", "G major", "F# minor", "Bbm" or "am"; empty text
// is no key. Its tonic has sharps only, and its confidence is 1.
func ParseKey(s string) (orak.Key, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return orak.Key{}, nil
	}
	class, mode, ok := parsePitchClass(s)
	if !ok {
		return orak.Key{}, fmt.Errorf(`not a key: %.20q; want one such as "G major" or "F# minor"`, s)
	}
	key := orak.Key{Tonic: orak.PitchClasses()[((class%12)+12)%12], Confidence: 1}
	switch strings.ToLower(strings.TrimSpace(mode)) {
	case "", "major", "maj":
		key.Mode = "major"
	case "m", "minor", "min":
		key.Mode = "minor"
	default:
		return orak.Key{}, fmt.Errorf("not a mode: %.20q; want major or minor", mode)
	}
	return key, nil
}

// parsePitchClass returns the semitones above C of the note with which s begins, -1 to
// 12, and what follows it.
func parsePitchClass(s string) (class int, rest string, ok bool) {
	if s == "" {
		return 0, "", false
	}
	class, ok = naturals[s[0]&^0x20]
	if !ok {
		return 0, "", false
	}
	rest = s[1:]
	for _, accidental := range []struct {
		text  string
		shift int
	}{{"#", 1}, {"♯", 1}, {"b", -1}, {"♭", -1}} {
		if after, found := strings.CutPrefix(rest, accidental.text); found {
			return class + accidental.shift, after, true
		}
	}
	return class, rest, true
}

// naturals are the semitones of the white keys above C.
var naturals = map[byte]int{'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}
