package orak

import (
	"math"
	"strconv"
)

// PitchClasses are the tonics of keys, from C, with sharps only.
func PitchClasses() [12]string {
	return [12]string{"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"}
}

// NoteName is the nearest note of a frequency in scientific pitch notation,
// with A4 = 440 Hz and sharps only; empty unless hz is a positive number.
func NoteName(hz float64) string {
	if !(hz > 0) || math.IsInf(hz, 0) {
		return ""
	}
	n := int(math.Round(MIDINote(hz)))
	octave := int(math.Floor(float64(n)/12)) - 1
	return PitchClasses()[((n%12)+12)%12] + strconv.Itoa(octave)
}

// MIDINote is the MIDI number of a frequency, with fractions; A4 = 440 Hz is 69.
func MIDINote(hz float64) float64 { return 69 + 12*math.Log2(hz/440) }
