package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"orak"
)

// result prints an analysis as a singer or a teacher wants to read it.
func (c *console) result(a orak.Analysis) {
	list := append(c.pitchRows(a.Pitch), keyRow(a.Key), tempoRow(a.Tempo), loudnessRow(a.Loudness))
	list = append(list, row{"Duration", length(a.Audio.DurationS), source(a.Audio)})
	if len(a.Audio.Damage) > 0 {
		list = append(list, row{label: "Damage", more: damage(a.Audio.Damage)})
	}
	list = append(list, row{"Engine", clean(strings.TrimSpace(a.Engine.Name + " " + a.Engine.Version)), ""})
	c.rows(list)
}

func (c *console) pitchRows(p orak.Pitch) []row {
	voiced := row{"Voiced share", percent(p.VoicedRatio), ""}
	if p.MedianHz <= 0 || p.MinHz <= 0 || p.MaxHz <= 0 {
		return []row{{label: "Vocal range", value: "none", more: "no voiced sound was found"}, voiced}
	}
	between := func(low, high string) string { return low + " " + c.marks.dash + " " + high }
	hz := func(low, high float64) string {
		return fmt.Sprintf("%.1f %s %.1f Hz", low, c.marks.dash, high)
	}
	return []row{
		{"Vocal range", between(clean(p.LowNote), clean(p.HighNote)), hz(p.MinHz, p.MaxHz) + ", " + span(p.MinHz, p.MaxHz)},
		{"Median pitch", note(p.MedianHz), fmt.Sprintf("%.1f Hz", p.MedianHz)},
		{"Tessitura", between(note(p.TessituraLowHz), note(p.TessituraHighHz)), hz(p.TessituraLowHz, p.TessituraHighHz)},
		voiced,
	}
}

// note names the nearest note, A4 = 440 Hz, sharps only; empty for silence.
func note(hz float64) string {
	if hz <= 0 || math.IsInf(hz, 0) || math.IsNaN(hz) {
		return ""
	}
	names := [...]string{"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"}
	midi := int(math.Round(69 + 12*math.Log2(hz/440)))
	return fmt.Sprintf("%s%d", names[(midi%12+12)%12], int(math.Floor(float64(midi)/12))-1)
}

func span(low, high float64) string {
	semitones := int(math.Round(12 * math.Log2(high/low)))
	octaves, rest := semitones/12, semitones%12
	switch {
	case octaves == 0:
		if rest == 0 {
			return "within a semitone"
		}
		return count(rest, "semitone")
	case rest == 0:
		return count(octaves, "octave")
	default:
		return count(octaves, "octave") + " " + count(rest, "semitone")
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func keyRow(k orak.Key) row {
	if k.Tonic == "" {
		return row{"Key", "none", "no key was found"}
	}
	return row{"Key", clean(k.Tonic + " " + k.Mode), confidence(k.Confidence)}
}

func tempoRow(t orak.Tempo) row {
	if t.BPM <= 0 {
		return row{"Tempo", "none", "no steady beat was found"}
	}
	return row{"Tempo", fmt.Sprintf("%.0f bpm", t.BPM), confidence(t.Confidence)}
}

func confidence(share float64) string {
	word := "a guess"
	switch {
	case share >= 0.7:
		word = "sure"
	case share >= 0.4:
		word = "fairly sure"
	case share >= 0.2:
		word = "unsure"
	}
	return fmt.Sprintf("%s (confidence %.2f)", word, share)
}

// silent is the absolute gate of EBU R128.
const silent = -70.0

func loudnessRow(l orak.Loudness) row {
	if l.IntegratedLUFS <= silent {
		return row{"Loudness", "silence", ""}
	}
	return row{"Loudness", fmt.Sprintf("%.1f LUFS", l.IntegratedLUFS), fmt.Sprintf("true peak %.1f dBTP", l.TruePeakDBTP)}
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// length is a duration as a player shows it.
func length(seconds float64) string {
	tenths := int64(math.Round(seconds * 10))
	h, m, s, t := tenths/36000, tenths/600%60, tenths/10%60, tenths%10
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d.%d", h, m, s, t)
	}
	return fmt.Sprintf("%d:%02d.%d", m, s, t)
}

func source(a orak.Audio) string {
	parts := []string{clean(a.Codec)}
	if a.SampleRateHz > 0 {
		parts = append(parts, fmt.Sprintf("%g kHz", float64(a.SampleRateHz)/1000))
	}
	switch {
	case a.Channels == 1:
		parts = append(parts, "mono")
	case a.Channels == 2:
		parts = append(parts, "stereo")
	case a.Channels > 2:
		parts = append(parts, count(a.Channels, "channel"))
	}
	if a.Tracks > 1 {
		parts = append(parts, fmt.Sprintf("1 of %d tracks", a.Tracks))
	}
	return strings.TrimPrefix(strings.Join(parts, ", "), ", ")
}

func damage(list []orak.Damage) string {
	var words []string
	for _, d := range list {
		switch d {
		case orak.DamageTruncated:
			words = append(words, "the file ends before its header says (truncated)")
		case orak.DamageDecodeErrors:
			words = append(words, "some parts could not be decoded (decode_errors)")
		case orak.DamageGaps:
			words = append(words, "it was interrupted; there is silence in the gaps (gaps)")
		case orak.DamageTrailing:
			words = append(words, "something follows its end, and may not have been analyzed (trailing_data)")
		default:
			words = append(words, clean(string(d)))
		}
	}
	return strings.Join(words, "; ")
}

// bytesText is a size for people, in powers of 1000.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return count(int(n), "byte")
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	default:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
}

// took is a duration for people.
func took(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// clockFormat is a time of day for people.
const clockFormat = "2006-01-02 15:04:05"

// ago is a past time for people, with the clock's own beside it.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return fmt.Sprintf("%s (%s)", t.Local().Format(clockFormat), since(now, t))
}

// since is a past time in one unit.
func since(now, t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return oneUnit(now.Sub(t)) + " ago"
}

// until is a time to come in one unit.
func until(now, t time.Time) string { return "in " + oneUnit(t.Sub(now)) }

func oneUnit(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
