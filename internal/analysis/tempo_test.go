package analysis

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTempoOfClicks(t *testing.T) {
	t.Parallel()
	for bpm := 60.0; bpm <= 180; bpm += 15 {
		for name, x := range map[string][]float64{
			"clean":    clicks(12, bpm),
			"in noise": mix(clicks(12, bpm), white(12, 0.01, 4)),
		} {
			a, _ := analyze(t, x)
			require.InEpsilon(t, bpm, a.Tempo.BPM, 0.02, "%g BPM, %s", bpm, name)
			require.Greater(t, a.Tempo.Confidence, 0.5, "%g BPM, %s", bpm, name)
			require.LessOrEqual(t, a.Tempo.Confidence, 1.0)
		}
	}
}

func TestTempoIsExactOverAMinute(t *testing.T) {
	t.Parallel()
	a, _ := analyze(t, clicks(60, 97))
	require.InEpsilon(t, 97, a.Tempo.BPM, 0.002)
}

func TestTempoOfAMelodyFollowsItsNotes(t *testing.T) {
	t.Parallel()
	notes := []float64{}
	for i := range 24 {
		notes = append(notes, hz(60+float64(i*5%12)))
	}
	a, _ := analyze(t, sing(12, 0.1, melody(0.5, notes...), ah()))
	require.InEpsilon(t, 120, a.Tempo.BPM, 0.02)
}

func TestTempoPrefersTheBeatToItsHalves(t *testing.T) {
	t.Parallel()
	// Eighth notes at half the strength between the quarters of 100 BPM.
	weak := scale(clicks(20, 200), 0.25)
	a, _ := analyze(t, mix(clicks(20, 100), weak))
	require.InEpsilon(t, 100, a.Tempo.BPM, 0.02)
}

func TestNoTempoWithoutABeat(t *testing.T) {
	t.Parallel()
	for name, x := range map[string][]float64{
		"silence":    make([]float64, 5*sampleRate),
		"a tone":     sing(10, 0.1, steady(220), sawtooth),
		"vibrato":    sing(10, 0.1, vibrato(330, 80, 5.5), ah()),
		"a glide":    sing(10, 0.1, glide(100, 400, 10), ah()),
		"noise":      white(20, 0.1, 1),
		"rumble":     lowPassed(0.99),
		"two clicks": clicks(1, 60),
	} {
		a, _ := analyze(t, x)
		require.Zero(t, a.Tempo, name)
	}
}

func TestIrregularOnsetsAreNotABeat(t *testing.T) {
	t.Parallel()
	x := make([]float64, 20*sampleRate)
	click := clicks(0.3, 60)
	at := 0.0
	for i := range 40 {
		at += 0.2 + 0.5*math.Mod(float64(i)*0.618033988, 1)
		if from := int(at * sampleRate); from+len(click) < len(x) {
			copy(x[from:], click)
		}
	}
	a, _ := analyze(t, x)
	require.Less(t, a.Tempo.Confidence, 0.5)
}
