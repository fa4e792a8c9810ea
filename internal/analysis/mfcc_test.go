package analysis

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCentroidFollowsTheEnergy(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{300, 1000, 3000, 6000} {
		a, _ := analyze(t, sing(1, 0.1, steady(f), pure))
		require.InEpsilon(t, f, a.Timbre.CentroidHz, 0.05)
	}
	a, _ := analyze(t, white(3, 0.1, 1))
	require.InEpsilon(t, 4000, a.Timbre.CentroidHz, 0.02)
}

func TestCepstrumMatchesItsDefinition(t *testing.T) {
	t.Parallel()
	m := newMelFrames(fastest(), func(*[melBands]float64) {})
	frame := white(0.032, 0.1, 9)
	require.Len(t, frame, melFrame)
	m.frame(frame)

	// The power spectrum by the definition of the Fourier transform.
	energy := func(k int) float64 {
		re, im, sum := 0.0, 0.0, 0.0
		for i, v := range frame {
			w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/melFrame)
			a := 2 * math.Pi * float64(k*i) / melFrame
			re, im, sum = re+w*v*math.Cos(a), im+w*v*math.Sin(a), sum+w
		}
		return (re*re + im*im) * 4 / (sum * sum)
	}
	mel := func(f float64) float64 { return 2595 * math.Log10(1+f/700) }
	width := (mel(8000) - mel(20)) / 41
	want := make([]float64, melBands)
	for k := range melFrame/2 + 1 {
		e, f := energy(k), float64(k)*sampleRate/melFrame
		for b := range want {
			lo, mid, hi := unmel(mel(20)+width*float64(b)), unmel(mel(20)+width*float64(b+1)), unmel(mel(20)+width*float64(b+2))
			want[b] += e * max(0, min((f-lo)/(mid-lo), (hi-f)/(hi-mid)))
		}
	}
	for k := range mfccs {
		sum := 0.0
		for b := range want {
			sum += 10 * math.Log10(max(want[b], 1e-10)) * math.Cos(math.Pi*float64(k)*(float64(b)+0.5)/melBands)
		}
		sum *= math.Sqrt(2.0 / melBands)
		if k == 0 {
			sum /= math.Sqrt2
		}
		require.InDelta(t, sum, m.past[0].c[k], 1e-6, "coefficient %d", k)
	}
}

func unmel(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) }

func TestTimbreDependsOnVowelsNotOnGain(t *testing.T) {
	t.Parallel()
	first, _ := analyze(t, sing(2, 0.2, steady(150), ah()))
	softer, _ := analyze(t, sing(2, 0.02, steady(150), ah()))
	other, _ := analyze(t, sing(2, 0.2, steady(150), ee()))
	distance := func(a, b []float64) (sum float64) {
		for k := 1; k < mfccs; k++ { // the zeroth is the gain
			sum += math.Abs(a[k] - b[k])
		}
		return sum
	}
	require.Len(t, first.Timbre.MFCCMean, mfccs)
	require.Len(t, first.Timbre.MFCCStd, mfccs)
	same := distance(first.Timbre.MFCCMean, softer.Timbre.MFCCMean)
	require.Greater(t, distance(first.Timbre.MFCCMean, other.Timbre.MFCCMean), 5*same)
	require.InDelta(t, 20*math.Sqrt(melBands), first.Timbre.MFCCMean[0]-softer.Timbre.MFCCMean[0], 15)
}

func TestSilenceAroundAVoiceIsNotItsTimbre(t *testing.T) {
	t.Parallel()
	x := sing(2, 0.2, steady(150), ah())
	alone, _ := analyze(t, x)
	padded, _ := analyze(t, append(append(make([]float64, 3*sampleRate), x...), white(3, 0.0005, 1)...))
	for k := range mfccs {
		require.InDelta(t, alone.Timbre.MFCCMean[k], padded.Timbre.MFCCMean[k], 3, "coefficient %d", k)
	}
}
