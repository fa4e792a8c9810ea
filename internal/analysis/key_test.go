package analysis

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// chords returns chords, each given by its notes, of half a second each.
func chords(timbre spectrum, notes ...[]float64) (x []float64) {
	for _, chord := range notes {
		sounding := make([]float64, sampleRate/2)
		for _, note := range chord {
			sounding = mix(sounding, sing(0.5, 0.05, steady(hz(note)), timbre))
		}
		x = append(x, sounding...)
	}
	return x
}

// cadence returns I-IV-V-I-vi-IV-V-I, or in minor the same with a major dominant.
func cadence(tonic float64, minor bool, timbre spectrum) []float64 {
	third, sixth := 4.0, []float64{tonic + 9, tonic + 12, tonic + 16}
	if minor {
		third, sixth = 3, []float64{tonic + 8, tonic + 12, tonic + 15}
	}
	one := []float64{tonic, tonic + third, tonic + 7}
	four := []float64{tonic + 5, tonic + 5 + third, tonic + 12}
	five := []float64{tonic + 7, tonic + 11, tonic + 14}
	return chords(timbre, one, four, five, one, sixth, four, five, one)
}

// scale returns a scale up and down.
func scaleFrom(tonic float64, minor bool) contour {
	steps := []float64{0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0}
	if minor {
		steps = []float64{0, 2, 3, 5, 7, 8, 11, 12, 11, 8, 7, 5, 3, 2, 0}
	}
	notes := make([]float64, len(steps))
	for i, s := range steps {
		notes[i] = hz(tonic + s)
	}
	return melody(0.3, notes...)
}

func TestKeyOfChordsAndScalesInEveryKey(t *testing.T) {
	t.Parallel()
	timbres := []spectrum{sawtooth, pure, ah()}
	for pitch, name := range orak.PitchClasses() {
		for _, mode := range []string{"major", "minor"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				tonic, minor, timbre := 48+float64(pitch), mode == "minor", timbres[pitch%3]
				detuned := float64(pitch%2) * 0.35 // an untuned piano
				for what, x := range map[string][]float64{
					"chords": cadence(tonic+detuned, minor, timbre),
					"scale":  sing(4.5, 0.1, scaleFrom(tonic+detuned+12, minor), timbre),
				} {
					a, _ := analyze(t, x)
					require.Equal(t, name, a.Key.Tonic, what)
					require.Equal(t, mode, a.Key.Mode, what)
					require.Greater(t, a.Key.Confidence, 0.05, what)
					require.LessOrEqual(t, a.Key.Confidence, 1.0, what)
				}
			})
		}
	}
}

func TestNoKeyWithoutNotes(t *testing.T) {
	t.Parallel()
	for name, x := range map[string][]float64{
		"silence":    make([]float64, 3*sampleRate),
		"noise":      white(5, 0.1, 1),
		"rumble":     lowPassed(0.99),
		"clicks":     clicks(5, 100),
		"one note":   sing(4, 0.1, steady(261.6), sawtooth),
		"two notes":  sing(4, 0.1, melody(0.5, hz(60), hz(67), hz(60), hz(67), hz(60), hz(67), hz(60), hz(67)), ah()),
		"a glide":    sing(4, 0.1, glide(100, 400, 4), ah()),
		"one chirp":  sing(0.2, 0.1, steady(440), ah()),
		"a sibilant": sibilant(4, 3000, 1000),
	} {
		a, _ := analyze(t, x)
		require.Zero(t, a.Key, name)
	}
}
