package main

import (
	"fmt"
	"io"
	"strings"
)

// column is an engine; its figures are nil if it was not measured.
type column struct {
	name    string
	figures *figures
}

// print writes the report as text.
func (r report) print(to io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d recordings of %d s, each clean, in white noise and in pink noise as loud as the voice\n\n", r.Recordings, r.Seconds)
	columns := []column{{"built-in", &r.Builtin}, {"with vectors", r.Vectors}, {"aubiopitch", r.Aubio}}
	fmt.Fprintf(&b, "%-44s", "")
	for _, c := range columns {
		fmt.Fprintf(&b, " %13s", c.name)
	}
	b.WriteString("\n")
	row := func(name, format string, of func(figures) float64) {
		fmt.Fprintf(&b, "%-44s", name)
		for _, c := range columns {
			value := "-"
			if c.figures != nil {
				value = fmt.Sprintf(format, of(*c.figures))
			}
			fmt.Fprintf(&b, " %13s", value)
		}
		b.WriteString("\n")
	}
	row("times real time, on one core", "%.0f", func(f figures) float64 { return f.Speed })
	row("sung frames within 50 cents, clean", "%.2f %%", func(f figures) float64 { return 100 * f.Clean.Accuracy })
	row("sung frames within 50 cents, in white noise", "%.2f %%", func(f figures) float64 { return 100 * f.Noisy.Accuracy })
	row("sung frames within 50 cents, in pink noise", "%.2f %%", func(f figures) float64 { return 100 * f.Pink.Accuracy })
	row("silent frames taken for voice, clean", "%.2f %%", func(f figures) float64 { return 100 * f.Clean.FalseVoicing })
	row("silent frames taken for voice, in white noise", "%.2f %%", func(f figures) float64 { return 100 * f.Noisy.FalseVoicing })
	row("silent frames taken for voice, in pink noise", "%.2f %%", func(f figures) float64 { return 100 * f.Pink.FalseVoicing })
	b.WriteString("\n")
	if r.LoudnessLU != nil {
		fmt.Fprintf(&b, "loudness, at most this far from ffmpeg's ebur128: %.3f LU\n", *r.LoudnessLU)
	}
	fmt.Fprintf(&b, "memory towards the end of a minute, and of an hour: %.2f MiB, %.2f MiB\n", r.MemoryMiB[0], r.MemoryMiB[1])
	if r.Vectors == nil {
		b.WriteString("built without vector instructions (GOEXPERIMENT=simd), or on a processor without AVX2\n")
	}
	if r.Aubio == nil {
		b.WriteString("aubiopitch is not installed (Debian: aubio-tools), so it is left out\n")
	}
	if r.LoudnessLU == nil {
		b.WriteString("ffmpeg is not installed, so loudness is not compared\n")
	}
	_, _ = io.WriteString(to, b.String())
}
