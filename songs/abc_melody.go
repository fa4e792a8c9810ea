package songs

import "math"

// abcMelody collects notes, and holds what a sign says of the notes around it.
type abcMelody struct {
	notes Melody
	// part is where the part begins that the next :| repeats, and ending where its
	// first ending begins, if hasEnds.
	part     int
	ending   int
	hasEnds  bool
	tied     bool    // the next note prolongs the last
	next     float64 // factor of the next length, by broken rhythm; 0 is 1
	inTuplet int     // notes that are left of the tuplet
	tuplet   float64 // their factor
	// lastIsNote says that the last symbol in this bar was a note or rest, and lastRest
	// that it was a rest.
	lastIsNote, lastRest bool
}

func (m *abcMelody) last() Note { return m.notes[len(m.notes)-1] }

// scale applies tuplet and broken rhythm to the next length.
func (m *abcMelody) scale(length float64) float64 {
	if m.next > 0 {
		length, m.next = length*m.next, 0
	}
	if m.inTuplet > 0 {
		m.inTuplet--
		length *= m.tuplet
	}
	return length
}

func (m *abcMelody) add(n Note) {
	n.Length = m.scale(n.Length)
	if m.tied {
		m.tied = false
		m.notes[len(m.notes)-1].Length += n.Length
	} else {
		m.notes = append(m.notes, n)
	}
	m.lastIsNote, m.lastRest = true, false
}

func (m *abcMelody) rest(length float64) {
	m.scale(length)
	m.lastIsNote, m.lastRest = true, true
}

// tie makes the next note prolong the last; false if there is none.
func (m *abcMelody) tie() bool {
	if len(m.notes) <= m.part || m.lastRest {
		return false
	}
	m.tied = true
	return true
}

// breakRhythm dots the last length, or the next if first is false, and shortens the
// other; false if there is no last one in this bar.
func (m *abcMelody) breakRhythm(signs int, first bool) bool {
	if !m.lastIsNote || m.next > 0 {
		return false
	}
	short := math.Pow(0.5, float64(signs))
	before, after := 2-short, short
	if !first {
		before, after = after, before
	}
	if !m.lastRest {
		m.notes[len(m.notes)-1].Length *= before
	}
	m.next = after
	return true
}

func (m *abcMelody) beginTuplet(count int, factor float64) { m.inTuplet, m.tuplet = count, factor }

func (m *abcMelody) endBar() { m.lastIsNote, m.next, m.inTuplet = false, 0, 0 }

func (m *abcMelody) beginPart() { m.part, m.hasEnds = len(m.notes), false }

func (m *abcMelody) beginEnding() {
	if !m.hasEnds {
		m.ending, m.hasEnds = len(m.notes), true
	}
}

// repeat appends the part again, without its first ending.
func (m *abcMelody) repeat() {
	end := len(m.notes)
	if m.hasEnds {
		end = m.ending
	}
	m.notes = append(m.notes, m.notes[m.part:end]...)
	m.beginPart()
}
