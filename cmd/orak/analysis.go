package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"orak"
	"orak/internal/terminal"
)

type analysisCmd struct {
	remote

	ID string `arg:"" help:"Id of the upload."`
}

// Help implements kong.HelpProvider.
func (analysisCmd) Help() string {
	return `Examples:

    orak analysis 0192f1c5-7a1e-7c3a-9d5e-0123456789ab
    orak analysis 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --json | jq .pitch`
}

// Run prints the analysis of a completed upload.
func (a *analysisCmd) Run(ctx context.Context, con *console) error {
	ids, err := parseIDs([]string{a.ID})
	if err != nil {
		return err
	}
	cl, err := a.open(con)
	if err != nil {
		return err
	}
	analysis, err := cl.Analysis(ctx, ids[0])
	if err != nil {
		return a.early(ctx, con, a.ID, err)
	}
	if con.JSON {
		return con.Value(analysis)
	}
	con.title("", strings.ToLower(string(ids[0])), "")
	con.result(analysis)
	return nil
}

// result prints an analysis for people.
func (c *console) result(a orak.Analysis) {
	list := append(c.pitchRows(a.Pitch), keyRow(a.Key), tempoRow(a.Tempo), loudnessRow(a.Loudness))
	list = append(list, terminal.Row{Label: "Duration", Value: length(a.Audio.DurationS), More: source(a.Audio)})
	if len(a.Audio.Damage) > 0 {
		list = append(list, terminal.Row{Label: "Damage", More: damage(a.Audio)})
	}
	list = append(list, terminal.Row{Label: "Engine", Value: terminal.Clean(strings.TrimSpace(a.Engine.Name + " " + a.Engine.Version))})
	c.Rows(list)
}

func (c *console) pitchRows(p orak.Pitch) []terminal.Row {
	voiced := terminal.Row{Label: "Voiced share", Value: terminal.Percent(p.VoicedRatio)}
	if p.MedianHz <= 0 || p.MinHz <= 0 || p.MaxHz <= 0 {
		return []terminal.Row{{Label: "Vocal range", Value: "none", More: "no voiced sound was found"}, voiced}
	}
	between := func(low, high string) string { return low + " " + c.Marks.Dash + " " + high }
	hz := func(low, high float64) string {
		return fmt.Sprintf("%.1f %s %.1f Hz", low, c.Marks.Dash, high)
	}
	return []terminal.Row{
		{Label: "Vocal range", Value: between(terminal.Clean(p.LowNote), terminal.Clean(p.HighNote)), More: hz(p.MinHz, p.MaxHz) + ", " + span(p.MinHz, p.MaxHz)},
		{Label: "Median pitch", Value: orak.NoteName(p.MedianHz), More: fmt.Sprintf("%.1f Hz", p.MedianHz)},
		{Label: "Tessitura", Value: between(orak.NoteName(p.TessituraLowHz), orak.NoteName(p.TessituraHighHz)), More: hz(p.TessituraLowHz, p.TessituraHighHz)},
		voiced,
	}
}

func span(low, high float64) string {
	semitones := int(math.Round(12 * math.Log2(high/low)))
	octaves, rest := semitones/12, semitones%12
	switch {
	case octaves == 0:
		if rest == 0 {
			return "within a semitone"
		}
		return terminal.Count(rest, "semitone")
	case rest == 0:
		return terminal.Count(octaves, "octave")
	default:
		return terminal.Count(octaves, "octave") + " " + terminal.Count(rest, "semitone")
	}
}

func keyRow(k orak.Key) terminal.Row {
	if k.Tonic == "" {
		return terminal.Row{Label: "Key", Value: "none", More: "no key was found"}
	}
	return terminal.Row{Label: "Key", Value: terminal.Clean(k.Tonic + " " + k.Mode), More: confidence(k.Confidence)}
}

func tempoRow(t orak.Tempo) terminal.Row {
	if t.BPM <= 0 {
		return terminal.Row{Label: "Tempo", Value: "none", More: "no steady beat was found"}
	}
	return terminal.Row{Label: "Tempo", Value: fmt.Sprintf("%.0f bpm", t.BPM), More: confidence(t.Confidence)}
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

// silent is the absolute gate of EBU R128, in LUFS.
const silent = -70.0

func loudnessRow(l orak.Loudness) terminal.Row {
	if l.IntegratedLUFS <= silent {
		return terminal.Row{Label: "Loudness", Value: "silence"}
	}
	return terminal.Row{Label: "Loudness", Value: fmt.Sprintf("%.1f LUFS", l.IntegratedLUFS), More: fmt.Sprintf("true peak %.1f dBTP", l.TruePeakDBTP)}
}

// length returns a duration as players show it.
func length(seconds float64) string {
	tenths := int64(math.Round(seconds * 10))
	h, m, s, t := tenths/36000, tenths/600%60, tenths/10%60, tenths%10
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d.%d", h, m, s, t)
	}
	return fmt.Sprintf("%d:%02d.%d", m, s, t)
}

func source(a orak.Audio) string {
	parts := []string{terminal.Clean(a.Codec)}
	if a.SampleRateHz > 0 {
		parts = append(parts, fmt.Sprintf("%g kHz", float64(a.SampleRateHz)/1000))
	}
	switch {
	case a.Channels == 1:
		parts = append(parts, "mono")
	case a.Channels == 2:
		parts = append(parts, "stereo")
	case a.Channels > 2:
		parts = append(parts, terminal.Count(a.Channels, "channel"))
	}
	if a.Tracks > 1 {
		parts = append(parts, fmt.Sprintf("1 of %d tracks", a.Tracks))
	}
	return strings.TrimPrefix(strings.Join(parts, ", "), ", ")
}

func damage(a orak.Audio) string {
	texts := map[orak.Damage]string{
		orak.DamageTruncated:    "the file ends before its header says (truncated)",
		orak.DamageDecodeErrors: "some parts could not be decoded (decode_errors)",
		orak.DamageGaps:         "the recording was interrupted; the gaps are silent (gaps)",
		orak.DamageTrailing:     "data follows its end, and may not have been analyzed (trailing_data)",
	}
	if a.MissingS > 0 {
		texts[orak.DamageTruncated] = fmt.Sprintf("the file is cut off: its last %s are missing (truncated)", terminal.Took(time.Duration(a.MissingS*float64(time.Second))))
	}
	words := make([]string, len(a.Damage))
	for i, d := range a.Damage {
		words[i] = cmp.Or(texts[d], terminal.Clean(string(d)))
	}
	return strings.Join(words, "; ")
}
