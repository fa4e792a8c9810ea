package songs

import "slices"

// Note is one note of a melody.
type Note struct {
	// Pitch is in MIDI semitones.
	Pitch int
	// Length is in whole notes: a quarter note has 0.25.
	Length float64
}

// Melody is the notes of a tune in the order in which they are sung. It has no rests:
// only what is sung loads the voice.
type Melody []Note

// Range returns the lowest and the highest note; 0 and 0 if m is empty.
func (m Melody) Range() (low, high int) {
	for i, n := range m {
		if i == 0 || n.Pitch < low {
			low = n.Pitch
		}
		if i == 0 || n.Pitch > high {
			high = n.Pitch
		}
	}
	return low, high
}

// Tessitura returns the notes at the 10th and the 90th percentile of the time that is
// sung, as orak.Pitch has them of a voice; 0 and 0 if m is empty.
func (m Melody) Tessitura() (low, high int) {
	sorted := slices.SortedFunc(slices.Values(m), func(a, b Note) int { return a.Pitch - b.Pitch })
	total := 0.0
	for _, n := range sorted {
		total += n.Length
	}
	at := func(share float64) int {
		sung := 0.0
		for _, n := range sorted {
			if sung += n.Length; sung >= share*total {
				return n.Pitch
			}
		}
		return high
	}
	if len(sorted) == 0 {
		return 0, 0
	}
	high = sorted[len(sorted)-1].Pitch
	return at(0.1), at(0.9)
}
