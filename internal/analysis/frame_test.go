package analysis

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecibelsAgreeWithTheLogarithm(t *testing.T) {
	t.Parallel()
	for power := 1e-150; power < 1e150; power *= 1.0173 {
		require.InDelta(t, 10*math.Log10(power), decibels(power, -2000), 1e-9, "%g", power)
	}
	for _, power := range []float64{1, 2, 0.5, math.Sqrt2, math.Sqrt2 / 2, math.Nextafter(math.Sqrt2, 2), math.Nextafter(math.Sqrt2/2, 0)} {
		require.InDelta(t, 10*math.Log10(power), decibels(power, -2000), 1e-9, "%g", power)
	}
	for _, power := range []float64{0, -1, 5e-324, 1e-201} {
		require.InDelta(t, -2000, decibels(power, -3000), 1e-9, "%g", power)
		require.InDelta(t, -100, decibels(power, -100), 0, "%g", power)
	}
}
