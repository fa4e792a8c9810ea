package analysis

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// halved returns x at half of the rate, pushed in blocks of an odd length.
func halved(x []float64) (y []float64) {
	h := newHalver(fastest())
	for at := 0; at < len(x); at += 777 {
		y = append(y, h.push(x[at:min(at+777, len(x))])...)
	}
	return append(y, h.flush()...)
}

func TestHalverKeepsTheVoiceWithoutAliases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hz, least, most float64 }{{100, -0.02, 0.02}, {1000, -0.02, 0.02}, {3000, -0.02, 0.02}, {5000, -200, -60}, {6000, -200, -60}, {7900, -200, -60}} {
		x := make([]float64, sampleRate)
		for i := range x {
			x[i] = math.Sin(2 * math.Pi * c.hz * float64(i) / sampleRate)
		}
		y := halved(x)
		inner := func(x []float64) float64 { // without the ends
			x = x[len(x)/4 : 3*len(x)/4]
			return decibels(dot(x, x)/float64(len(x)), -200)
		}
		gain := inner(y) - inner(x)
		require.True(t, gain >= c.least && gain <= c.most, "%g Hz: %.3f dB", c.hz, gain)
	}
}

func TestHalverKeepsTimeForAnyLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 19, 20, 21, 777, 778, 5001} {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Sin(float64(i) / 40)
		}
		y := halved(x)
		require.Len(t, y, (n+1)/2)
		for m := 2 * halverReach; m < len(y)-2*halverReach; m++ {
			require.InDelta(t, x[2*m], y[m], 1e-4, "%d of %d", m, n)
		}
	}
}
