//go:build goexperiment.simd && amd64

package analysis

import (
	"math/rand/v2"
	"simd/archsimd"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// Each kernel is compared with the plain one, at every length at which its loop ends
// differently.

func TestVectorTransformsGiveTheSameBits(t *testing.T) {
	t.Parallel()
	require.True(t, archsimd.X86.AVX2(), "this machine cannot run what is to be tested")
	plain, vector := plainKernels(), vectorKernels()
	for size := 16; size <= 4096; size *= 2 {
		x := numbers(size, 1)
		want, _ := newFFT(size, plain).transform(complexes(x, numbers(size, 2)))
		got, _ := newFFT(size, vector).transform(complexes(x, numbers(size, 2)))
		require.Equal(t, want, got, "transform of %d", size)
		a, b := make([]float64, size), make([]float64, size)
		require.Equal(t, plain.fold(a, numbers(size+1, 2), numbers(size, 3), numbers(size, 4)),
			vector.fold(b, numbers(size+1, 2), numbers(size, 3), numbers(size, 4)), "sum of %d", size)
		require.Equal(t, a, b, "fold of %d", size)
	}
	z, roots := complexes(numbers(64, 1), numbers(64, 2)), complexes(numbers(64, 3), numbers(64, 4))
	for n := range len(z) + 1 {
		a, b := make([]complex128, n), make([]complex128, n)
		plain.unpack(a, z, roots)
		vector.unpack(b, z, roots)
		require.Equal(t, a, b, "unpack of %d", n)
		c, d := make([]float64, n), make([]float64, n)
		plain.power(c, z, roots)
		vector.power(d, z, roots)
		require.Equal(t, c, d, "power of %d", n)
	}
}

func TestVectorLoopsGiveTheSameBits(t *testing.T) {
	t.Parallel()
	plain, vector := plainKernels(), vectorKernels()
	half := &newPeakMeter(plain).half
	for n := range 70 {
		a, b, c, d := numbers(n, 1), numbers(n, 2), make([]float64, n), make([]float64, n)
		plain.product(c, a, b)
		vector.product(d, a, b)
		require.Equal(t, c, d, "product of %d", n)
		plain.excess(c, a, b, numbers(n, 3))
		vector.excess(d, a, b, numbers(n, 3))
		require.Equal(t, c, d, "excess of %d", n)
		plain.average(c, a, b, numbers(n, 3), 0.2)
		vector.average(d, a, b, numbers(n, 3), 0.2)
		require.Equal(t, c, d, "average of %d", n)
		require.Equal(t, plain.dot(a, b), vector.dot(a, b), "dot of %d", n)
		require.Equal(t, plain.magnitude(a), vector.magnitude(a), "magnitude of %d", n)
		x := numbers(peakTaps-1+n, 5)
		plain.halfway(c, x, half)
		vector.halfway(d, x, half)
		require.Equal(t, c, d, "halfway of %d", n)
		halved := [2][]float64{make([]float64, n), make([]float64, n)}
		for i, k := range []kernels{plain, vector} {
			k.halve(halved[i], a, numbers(n+2*halverReach-1, 7), &newHalver(k).taps)
		}
		require.Equal(t, halved[0], halved[1], "halves of %d", n)
		powers := append([]float64{0, -1, 5e-324, 1e-310, 1e-200, 1, 1e300}, numbers(n, 6)...)
		logs := append([]float64{}, powers...)
		plain.inDecibels(powers, -150)
		vector.inDecibels(logs, -150)
		require.Equal(t, powers, logs, "decibels of %d", n)
	}
	taps, x := [sincTaps]float64(numbers(sincTaps, 1)), [sincTaps]float64(numbers(sincTaps, 2))
	require.Equal(t, plain.interpolate(&taps, &x), vector.interpolate(&taps, &x))
	m, mel := newMelFrames(plain, nil), [melBands]float64(numbers(melBands, 1))
	var want, got [paddedMFCCs]float64
	plain.project(&want, &m.basis, &mel)
	vector.project(&got, &m.basis, &mel)
	require.Equal(t, want, got)
}

func numbers(n int, seed uint64) []float64 {
	r, x := rand.New(rand.NewPCG(seed, 1)), make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func complexes(re, im []float64) []complex128 {
	z := make([]complex128, len(re))
	for i := range z {
		z[i] = complex(re[i], im[i])
	}
	return z
}

// TestVectorEngineGivesTheSameBits compares the analysis of a whole recording.
func TestVectorEngineGivesTheSameBits(t *testing.T) {
	t.Parallel()
	tune := melody(0.3, hz(45), hz(60), hz(64), 0, hz(67), hz(72), hz(81))
	song := mix(sing(4, 0.1, tune, ah()), white(4, 0.03, 1))
	with := func(k kernels) (orak.Analysis, orak.PitchCurve) {
		run := newRun(Config{}.withDefaults(), k)
		run.push(song)
		return run.result()
	}
	analysis, curve := with(plainKernels())
	vectorAnalysis, vectorCurve := with(vectorKernels())
	require.Equal(t, curve, vectorCurve)
	require.Equal(t, analysis, vectorAnalysis)
	require.NotZero(t, analysis.Pitch.MedianHz)
}
