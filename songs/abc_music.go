package songs

import "strings"

// skipped are characters that change no note: spaces, slurs, and the decorations of
// one character. A line may end with a backslash.
const skipped = " \t()`.~\\HLMOPSTuv$y"

// readMusic reads the rest of a line of music.
func (p *abcParser) readMusic() error {
	for p.at < len(p.text) {
		if err := p.readSymbol(); err != nil {
			return err
		}
	}
	return nil
}

// peek returns the byte that is n after the current one; 0 behind the line.
func (p *abcParser) peek(n int) byte {
	if p.at+n < len(p.text) {
		return p.text[p.at+n]
	}
	return 0
}

func (p *abcParser) readSymbol() error {
	switch c := p.peek(0); {
	case c == '%':
		p.at = len(p.text)
		return nil
	case c == '(' && isDigit(p.peek(1)):
		return p.readTuplet()
	case strings.IndexByte(skipped, c) >= 0:
		p.at++
		return nil
	case c == '"', c == '!', c == '+':
		return p.skipTo(c)
	case c == '{':
		return p.skipTo('}')
	case c == '[' && isLetter(p.peek(1)) && p.peek(2) == ':':
		return p.readInlineField()
	case c == '[' && isDigit(p.peek(1)):
		p.at++
		return p.readEnding()
	case c == '|', c == ':', c == '[' && p.peek(1) == '|':
		return p.readBar()
	case c == '[':
		return p.fail(p.at, "a chord; want one note at a time")
	case c == '&':
		return p.fail(p.at, "an overlay; want one voice")
	case c == '-':
		return p.readTie()
	case c == '>', c == '<':
		return p.readBroken()
	case c == 'z', c == 'x':
		return p.readRest()
	case c == '^', c == '_', c == '=', c >= 'A' && c <= 'G', c >= 'a' && c <= 'g':
		return p.readNote()
	}
	return p.fail(p.at, "unexpected %q", []rune(p.text[p.at:])[0])
}

// skipTo skips to behind the next end, on this line.
func (p *abcParser) skipTo(end byte) error {
	length := strings.IndexByte(p.text[p.at+1:], end)
	if length < 0 {
		return p.fail(p.at, "%q without %q", p.peek(0), end)
	}
	p.at += length + 2
	return nil
}

func (p *abcParser) readInlineField() error {
	end := strings.IndexByte(p.text[p.at:], ']')
	if end < 0 {
		return p.fail(p.at, "a field without ]")
	}
	name, value, at := p.peek(1), p.text[p.at+3:p.at+end], p.at+3
	if !strings.ContainsRune("KLMQ", rune(name)) {
		return p.fail(p.at, "field %c: is not supported here", name)
	}
	p.at += end + 1
	return p.readMusicField(name, value, at)
}

// readBar reads a run of bar signs, such as | || |: :| :: |] [| and |1.
func (p *abcParser) readBar() error {
	start := p.at
	for p.at < len(p.text) && (strings.IndexByte("|:]", p.peek(0)) >= 0 || p.peek(0) == '[' && p.peek(1) == '|') {
		p.at++
	}
	signs := p.text[start:p.at]
	clear(p.inBar)
	p.melody.endBar()
	if strings.HasPrefix(signs, ":") {
		if err := p.repeat(start); err != nil {
			return err
		}
	}
	if len(signs) > 1 && strings.HasSuffix(signs, ":") {
		p.melody.beginPart()
	}
	if strings.HasSuffix(signs, "|") && isDigit(p.peek(0)) {
		return p.readEnding()
	}
	return nil
}

func (p *abcParser) repeat(at int) error {
	if p.melody.tied {
		return p.fail(at, "a tie across a repeat")
	}
	if p.melody.repeat(); len(p.melody.notes) > maxABCNotes {
		return p.fail(at, "more than %d notes", maxABCNotes)
	}
	return nil
}

// readEnding reads the number of a first or second ending.
func (p *abcParser) readEnding() error {
	switch c := p.peek(0); {
	case isDigit(p.peek(1)) || strings.IndexByte(",-", p.peek(1)) >= 0 && p.peek(1) != 0, c != '1' && c != '2':
		return p.fail(p.at, "want ending 1 or 2")
	case c == '1':
		p.melody.beginEnding()
	}
	p.at++
	return nil
}

func (p *abcParser) readTie() error {
	if p.melody.tied || !p.melody.tie() {
		return p.fail(p.at, "a tie without a first note")
	}
	p.at++
	return nil
}

func (p *abcParser) readRest() error {
	if p.melody.tied {
		return p.fail(p.at, "a tie to a rest")
	}
	p.at++
	length, err := p.readLength()
	if err != nil {
		return err
	}
	p.melody.rest(length * p.unit())
	return nil
}

// readNote reads accidental, letter, octave marks and length.
func (p *abcParser) readNote() error {
	start := p.at
	shift, written, err := p.readAccidental()
	if err != nil {
		return err
	}
	letter, natural, err := p.readLetter()
	if err != nil {
		return err
	}
	pitch := natural + p.shiftOf(letter, natural, shift, written)
	if pitch < LowestNote || pitch > HighestNote {
		return p.fail(start, "a note outside of %s to %s", NoteName(LowestNote), NoteName(HighestNote))
	}
	if p.melody.tied && p.melody.last().Pitch != pitch {
		return p.fail(start, "a tie to another note")
	}
	length, err := p.readLength()
	if err != nil {
		return err
	}
	p.lastNatural = natural
	if p.melody.add(Note{pitch, length * p.unit()}); len(p.melody.notes) > maxABCNotes {
		return p.fail(start, "more than %d notes", maxABCNotes)
	}
	return nil
}

// readLetter reads a letter and its octave marks. It returns the letter as a capital,
// and its white key in MIDI semitones.
func (p *abcParser) readLetter() (letter byte, natural int, err error) {
	start, c := p.at, p.peek(0)
	letter = c &^ 0x20
	class, ok := naturals[letter]
	if !ok || !isLetter(c) {
		return 0, 0, p.fail(p.at, "an accidental without a note")
	}
	natural = 60 + class
	if c != letter {
		natural += 12
	}
	for p.at++; p.peek(0) == '\'' || p.peek(0) == ','; p.at++ {
		if p.peek(0) == '\'' {
			natural += 12
		} else {
			natural -= 12
		}
		if natural < 0 || natural > 2*HighestNote {
			return 0, 0, p.fail(start, "a note outside of %s to %s", NoteName(LowestNote), NoteName(HighestNote))
		}
	}
	return letter, natural, nil
}

// shiftOf returns by how many semitones a note is raised: by its own accidental, which
// holds until the bar ends, by that of the note that is tied to it, by an earlier one
// of the bar, or by the key.
func (p *abcParser) shiftOf(letter byte, natural, shift int, written bool) int {
	if written {
		if p.inBar == nil {
			p.inBar = map[byte]int{}
		}
		p.inBar[letter] = shift
		return shift
	}
	if p.melody.tied && natural == p.lastNatural {
		return p.melody.last().Pitch - natural
	}
	if shift, ok := p.inBar[letter]; ok {
		return shift
	}
	return p.signature[letter]
}

// readAccidental returns the semitones of ^ ^^ _ __ or =, and whether there is one.
func (p *abcParser) readAccidental() (shift int, written bool, err error) {
	start := p.at
	for ; strings.IndexByte("^_=", p.peek(0)) >= 0 && p.peek(0) != 0; p.at++ {
		switch p.peek(0) {
		case '^':
			shift++
		case '_':
			shift--
		}
	}
	signs := p.text[start:p.at]
	switch signs {
	case "", "^", "^^", "_", "__", "=":
		return shift, signs != "", nil
	}
	return 0, false, p.fail(start, "not an accidental: %.10q", signs)
}

// readLength reads what follows a note or rest, such as 2, 3/2, / or //, in unit
// lengths.
func (p *abcParser) readLength() (float64, error) {
	start := p.at
	length, _, err := p.readNumber()
	if err != nil {
		return 0, err
	}
	for p.peek(0) == '/' {
		p.at++
		by, given, err := p.readNumber()
		if err != nil {
			return 0, err
		}
		if !given {
			by = 2
		}
		if length /= by; length < 1.0/1024 {
			return 0, p.fail(start, "a length below 1/1024")
		}
	}
	return length, nil
}

// readNumber reads digits, 1 to 512; without any it is 1 and not given.
func (p *abcParser) readNumber() (n float64, given bool, err error) {
	start := p.at
	for ; isDigit(p.peek(0)); p.at++ {
		if n = n*10 + float64(p.peek(0)-'0'); n > 512 {
			return 0, true, p.fail(start, "a number above 512")
		}
	}
	if p.at == start {
		return 1, false, nil
	}
	if n == 0 {
		return 0, true, p.fail(start, "a length of 0")
	}
	return n, true, nil
}

// readBroken reads > or <, up to three: one neighbour gains what the other loses.
func (p *abcParser) readBroken() error {
	start, sign := p.at, p.peek(0)
	for ; p.peek(0) == sign; p.at++ {
	}
	if p.at-start > 3 || !p.melody.breakRhythm(p.at-start, sign == '>') {
		return p.fail(start, "broken rhythm needs a note before it, and at most 3 signs")
	}
	return nil
}

// inTime says in the time of how many notes the notes of a tuplet are played. 5, 7 and
// 9 take the time of 2, or of 3 in a compound meter, of which meter is a multiple.
var inTime = map[byte]float64{'2': 3, '3': 2, '4': 3, '6': 2, '8': 3}

func (p *abcParser) readTuplet() error {
	time, ok := inTime[p.peek(1)]
	if !ok || isDigit(p.peek(2)) || p.peek(2) == ':' {
		return p.fail(p.at, "want a tuplet of the form (2, (3, (4, (6 or (8")
	}
	count := int(p.peek(1) - '0')
	p.at += 2
	p.melody.beginTuplet(count, time/float64(count))
	return nil
}
