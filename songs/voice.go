package songs

import (
	"fmt"
	"math"
	"slices"

	"orak"
)

// Voice is what a recording shows of a singer.
type Voice struct {
	// Low and High bound the notes that were sung, TessituraLow and TessituraHigh the
	// middle 80 % of the time: orak.Pitch, rounded to MIDI semitones.
	Low, High, TessituraLow, TessituraHigh int
	// TempoBPM is that of the recording in beats per minute; 0 if it is unknown.
	TempoBPM float64
	// Embedding is that of the recording; empty if it is unknown.
	Embedding orak.Embedding
}

// Limits of a recording that shows a voice.
const (
	// minSungS is the least time that is sung, in seconds: a few notes.
	minSungS = 2
	// minVoicedRatio is the least share of the recording that is sung. Below it,
	// what was taken for a voice may be noise.
	minVoicedRatio = 0.02
	// minVoiceRange is the least range in semitones, a fifth. A narrower recording is
	// speech or a single note, and shows no limits of the voice.
	minVoiceRange = 7
	// whistleRegister is the lowest note of the whistle register, C6: no melody is
	// written for it, and most recordings above it are whistled.
	whistleRegister = 84
)

// VoiceProblem says why a recording shows no voice for which songs can be ranked.
type VoiceProblem string

// All VoiceProblems.
const (
	// VoiceSilent means that nothing was sung.
	VoiceSilent VoiceProblem = "silent"
	// VoiceTooBrief means that too little was sung.
	VoiceTooBrief VoiceProblem = "too_brief"
	// VoiceTooNarrow means that the notes span less than a fifth.
	VoiceTooNarrow VoiceProblem = "too_narrow"
	// VoiceWhistled means that it lies in the whistle register.
	VoiceWhistled VoiceProblem = "whistled"
)

// VoiceError is the error of VoiceOf. Its text is for the singer.
type VoiceError struct {
	Problem VoiceProblem
	text    string
}

// Error returns a sentence for the singer, without its full stop.
func (e *VoiceError) Error() string { return e.text }

// VoiceOf returns the voice of a recording of durationS seconds, without tempo and
// embedding. Its errors are of type *VoiceError.
func VoiceOf(p orak.Pitch, durationS float64) (Voice, error) {
	if !positive(p.MinHz, p.MaxHz, p.TessituraLowHz, p.TessituraHighHz) || !(p.VoicedRatio > 0) {
		return Voice{}, &VoiceError{VoiceSilent, "no singing was heard in this recording"}
	}
	if sung := p.VoicedRatio * durationS; !(sung >= minSungS) || p.VoicedRatio < minVoicedRatio {
		return Voice{}, &VoiceError{VoiceTooBrief,
			fmt.Sprintf("only %.1f s of this recording are sung; sing for longer, with less silence around it", max(sung, 0))}
	}
	v := Voice{Low: semitone(p.MinHz), High: semitone(p.MaxHz), TessituraLow: semitone(p.TessituraLowHz), TessituraHigh: semitone(p.TessituraHighHz)}
	if v.TessituraLow >= whistleRegister {
		return Voice{}, &VoiceError{VoiceWhistled,
			fmt.Sprintf("this recording is whistled, or sung in the whistle register above %s, for which no songs are written; sing lower", NoteName(whistleRegister))}
	}
	if width := v.High - v.Low; width < minVoiceRange {
		return Voice{}, &VoiceError{VoiceTooNarrow,
			fmt.Sprintf("this recording spans only %s, from %s to %s; sing lower and higher, over a fifth (%d semitones) or more, so that it shows what you can reach",
				semitones(width), NoteName(v.Low), NoteName(v.High), minVoiceRange)}
	}
	return v, nil
}

func positive(values ...float64) bool {
	for _, v := range values {
		if !(v > 0) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

func semitone(hz float64) int { return int(math.Round(orak.MIDINote(hz))) }

// semitones returns "1 semitone" or "n semitones".
func semitones(n int) string {
	if n == 1 {
		return "1 semitone"
	}
	return fmt.Sprintf("%d semitones", n)
}

// Referring returns s with the range, key, tempo and embedding of its reference
// recording. What the recording does not show stays as it was imported; a recording
// without a voice, or whose notes are out of order, shows no range.
func (s Song) Referring(p orak.Pitch, key orak.Key, tempoBPM float64, e orak.Embedding) Song {
	if notes := []float64{p.MinHz, p.TessituraLowHz, p.TessituraHighHz, p.MaxHz}; positive(notes...) && slices.IsSorted(notes) {
		s.LowNote, s.HighNote = semitone(p.MinHz), semitone(p.MaxHz)
		s.TessituraLow, s.TessituraHigh = semitone(p.TessituraLowHz), semitone(p.TessituraHighHz)
	}
	if key.Tonic != "" {
		s.Key = key
	}
	if tempoBPM > 0 {
		s.TempoBPM = tempoBPM
	}
	s.Embedding = e
	return s
}
