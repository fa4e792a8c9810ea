package orak

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoteNames(t *testing.T) {
	t.Parallel()
	for hz, want := range map[float64]string{
		440: "A4", 261.63: "C4", 277.18: "C#4", 246.94: "B3", 55: "A1", 1760: "A6", 8.1758: "C-1", 0: "", 452: "A4", 453.5: "A#4",
		27.5: "A0", 16.35: "C0", 15.43: "B-1", 466.16: "A#4", -1: "",
	} {
		require.Equal(t, want, NoteName(hz), "%g Hz", hz)
	}
	require.Empty(t, NoteName(math.NaN()))
	require.Empty(t, NoteName(math.Inf(1)))
}
