package songs

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"orak"
)

// Limits of a tune in ABC notation, which comes from outside.
const (
	maxABC      = 64 << 10 // bytes
	maxABCNotes = 10_000   // with repeats written out
)

// Tune is one tune in ABC notation.
type Tune struct {
	// Titles are the T: fields, the main one first.
	Titles []string
	// Composer, Origin, Source and History are the first C:, O:, S: and H: fields;
	// empty if there are none.
	Composer, Origin, Source, History string
	// TempoBPM is the Q: field in beats per minute; 0 if there is none.
	TempoBPM float64
	// Key is the first K: field, with confidence 1: dorian, phrygian and locrian count
	// as minor, lydian and mixolydian as major. It is empty for "K:none".
	Key orak.Key
	// Melody has the notes, with repeats written out.
	Melody Melody
}

// SyntaxError tells where a tune is not in the subset of ABC notation that ParseABC
// reads. Line and Column count from 1; a column is a character.
type SyntaxError struct {
	Line, Column int
	Message      string
}

// Error returns line, column and message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// ParseABC reads one tune of a single voice in ABC notation 2.1. Its errors are of
// type *SyntaxError.
//
// It reads the fields X, T, C, O, S, H, M, L, Q and K, notes with octave marks,
// accidentals (which hold for all octaves until the bar ends), lengths, broken rhythm,
// ties, triplets and other tuplets of the form (3, rests, bars, and repeats with first
// and second endings. It skips grace notes, decorations, slurs, chord symbols, lyrics
// and comments. It refuses what changes which notes are sung and is not in that list:
// chords, several voices, overlays, playing orders, transpositions and macros.
func ParseABC(text []byte) (Tune, error) {
	if len(text) > maxABC {
		return Tune{}, &SyntaxError{1, 1, fmt.Sprintf("longer than %d bytes", maxABC)}
	}
	if !utf8.Valid(text) {
		return Tune{}, &SyntaxError{1, 1, "not valid UTF-8"}
	}
	p := abcParser{length: 0, meter: 1}
	for i, line := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		p.line, p.text, p.at = i+1, strings.TrimSuffix(line, "\r"), 0
		if err := p.readLine(); err != nil {
			return Tune{}, err
		}
	}
	return p.finish()
}

// abcParser reads a tune line by line. Positions are bytes in text.
type abcParser struct {
	tune Tune
	line int
	text string
	at   int

	seenX, inBody bool
	// length is the unit note length in whole notes, 0 until it is known; meter is
	// the length of a bar in whole notes, from which it follows.
	length, meter float64

	signature map[byte]int // semitones of each letter by the key signature
	inBar     map[byte]int // semitones of each letter by an accidental in this bar
	// lastNatural is the white key of the last note.
	lastNatural int

	melody abcMelody
}

func (p *abcParser) fail(at int, format string, args ...any) error {
	return &SyntaxError{p.line, utf8.RuneCountInString(p.text[:min(at, len(p.text))]) + 1, fmt.Sprintf(format, args...)}
}

func (p *abcParser) readLine() error {
	if len(p.text) >= 2 && p.text[1] == ':' && isField(p.text[0]) {
		return p.readField(p.text[0], stripComment(p.text[2:]), 2)
	}
	if rest := strings.TrimSpace(stripComment(p.text)); rest == "" || strings.HasPrefix(rest, "+:") {
		return nil
	}
	if !p.inBody {
		return p.fail(0, "music before the K: field")
	}
	return p.readMusic()
}

func stripComment(s string) string {
	before, _, _ := strings.Cut(s, "%")
	return before
}

// isField reports whether a line that begins with c and a colon is a field. The small
// letters of notes and rests are none: "c:|" ends a repeat.
func isField(c byte) bool { return isLetter(c) && (c < 'a' || c > 'g') && c != 'z' && c != 'x' }

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// readField reads a field whose value begins at byte at of the line.
func (p *abcParser) readField(name byte, value string, at int) error {
	value = strings.TrimSpace(value)
	if name != 'X' && !p.seenX {
		return p.fail(0, "want an X: field first")
	}
	switch name {
	case 'X':
		if p.seenX {
			return p.fail(0, "a second tune; want one")
		}
		p.seenX = true
	case 'T':
		if value != "" && len(p.tune.Titles) < 5 {
			p.tune.Titles = append(p.tune.Titles, value)
		}
	case 'C':
		setFirst(&p.tune.Composer, value)
	case 'O':
		setFirst(&p.tune.Origin, value)
	case 'S':
		setFirst(&p.tune.Source, value)
	case 'H':
		setFirst(&p.tune.History, value)
	case 'M', 'L', 'Q', 'K':
		return p.readMusicField(name, value, at)
	case 'A', 'B', 'D', 'F', 'G', 'N', 'R', 'Z', 'W', 'w', 'r':
		// Notes about the tune, and lyrics.
	default:
		return p.fail(0, "field %c: is not supported", name)
	}
	return nil
}

func setFirst(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func (p *abcParser) readMusicField(name byte, value string, at int) error {
	var err error
	switch name {
	case 'M':
		p.meter, err = parseMeter(value)
	case 'L':
		p.length, err = parseFraction(value)
	case 'Q':
		if p.tune.TempoBPM == 0 {
			p.tune.TempoBPM, err = parseTempo(value)
		}
	case 'K':
		var key orak.Key
		if key, p.signature, err = parseSignature(value); err == nil {
			if !p.inBody {
				p.tune.Key = key
			}
			p.inBody = true
			clear(p.inBar)
		}
	}
	if err != nil {
		return p.fail(at, "%c: %v", name, err)
	}
	return nil
}

// unit returns the unit note length in whole notes.
func (p *abcParser) unit() float64 {
	if p.length > 0 {
		return p.length
	}
	if p.meter < 0.75 {
		return 1.0 / 16
	}
	return 1.0 / 8
}

func (p *abcParser) finish() (Tune, error) {
	p.at = len(p.text)
	if !p.inBody {
		return Tune{}, p.fail(p.at, "no K: field")
	}
	if p.melody.tied {
		return Tune{}, p.fail(p.at, "a tie without a second note")
	}
	if len(p.melody.notes) == 0 {
		return Tune{}, p.fail(p.at, "no notes")
	}
	if len(p.tune.Titles) == 0 {
		return Tune{}, p.fail(p.at, "no T: field")
	}
	p.tune.Melody = p.melody.notes
	return p.tune, nil
}
