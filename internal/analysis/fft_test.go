package analysis

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/dsp/fourier"
)

func TestPowerSpectrumAgreesWithGonum(t *testing.T) {
	t.Parallel()
	for _, size := range []int{32, 64, 128, 256, 512, 1024, 2048, 4096} {
		x, w := white(1, 1, uint64(size))[:size/2], hann(size/2)
		windowed := make([]float64, size)
		for i := range x {
			windowed[i] = x[i] * w[i]
		}
		want := fourier.NewFFT(size).Coefficients(nil, windowed)
		ours := newWindowed(w, size, fastest())
		for _, bins := range []int{1, size / 4, size / 2, size/2 + 1} {
			got := make([]float64, bins)
			for range 2 { // nothing of one call is left for the next
				ours.spectrum(got, x)
			}
			for k, p := range got {
				require.InDelta(t, real(want[k])*real(want[k])+imag(want[k])*imag(want[k]), p, 1e-9*float64(size), "bin %d of %d", k, size)
			}
		}
	}
}

func TestCosineTransformAgreesWithGonum(t *testing.T) {
	t.Parallel()
	for _, n := range []int{32, 64, 128, 256, 512, 1024} {
		x := white(1, 1, uint64(n))[:n+1]
		for i := range x {
			x[i] = math.Abs(x[i])
		}
		want := fourier.NewDCT(n+1).Transform(nil, x)
		ours := newCosines(n, fastest())
		for _, length := range []int{2, n / 2, n} {
			got := make([]float64, length)
			for range 2 {
				ours.correlation(got, x)
			}
			for k, v := range got {
				require.InDelta(t, want[k], v, 1e-11*float64(n), "%d of %d", k, n)
			}
		}
	}
}

// BenchmarkFFT is a power spectrum by this package and by gonum.
func BenchmarkFFT(b *testing.B) {
	for _, size := range []int{512, 1024, 4096} {
		x, w := white(1, 1, 1)[:size], hann(size)
		b.Run(fmt.Sprintf("own-%d", size), func(b *testing.B) {
			ours, out := newWindowed(w, size, fastest()), make([]float64, size/2+1)
			for b.Loop() {
				ours.spectrum(out, x)
			}
		})
		b.Run(fmt.Sprintf("gonum-%d", size), func(b *testing.B) {
			theirs, in := fourier.NewFFT(size), make([]float64, size)
			bins, out := make([]complex128, size/2+1), make([]float64, size/2+1)
			for b.Loop() {
				for i, v := range x {
					in[i] = v * w[i]
				}
				theirs.Coefficients(bins, in)
				for k, c := range bins {
					out[k] = real(c)*real(c) + imag(c)*imag(c)
				}
			}
		})
	}
}
