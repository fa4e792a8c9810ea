package analysis

import "math"

// kernels are the inner loops in which the engine spends most of its time. The plain
// ones are in this file and in fft.go. The vector ones (kernels_avx2.go) do the same
// operations on the same numbers in the same order, several at a time, and give the
// same bits.
//
// A sum of many numbers has four partial sums, the i-th number going into part i
// modulo 4: with one, each addition would wait for the last.
type kernels struct {
	// vectors is false for the plain kernels.
	vectors bool
	// product fills dst with a × b; dot returns the sum of a × b.
	product func(dst, a, b []float64)
	dot     func(a, b []float64) float64
	// excess fills dst with max(x - floor, 0) × weights, average with
	// (1 - 2 side) x + side (before + after).
	excess  func(dst, x, floor, weights []float64)
	average func(dst, x, before, after []float64, side float64)
	// magnitude returns the largest |x|; 0 for none.
	magnitude func(x []float64) float64
	// inDecibels replaces powers by their decibels.
	inDecibels func(x []float64, floor float64)
	// The steps of fft.
	radix4First func(dst, src []complex128, w *twiddles)
	radix4      func(dst, src []complex128, w *twiddles, stride int)
	radix4Last  func(dst, src []complex128)
	radix8Last  func(dst, src []complex128)
	// unpack fills out with the first bins of realFFT, times 2, from the packed
	// transform z, at most up to the one before the middle. power fills out with
	// their squared magnitudes.
	unpack func(out, z, roots []complex128)
	power  func(out []float64, z, roots []complex128)
	// fold folds x around its middle into dst, for cosines, and returns the sum of
	// 2 x cos.
	fold func(dst, x, cos, sin []float64) float64
	// halve fills out with even[m]/2 and the sum of taps[i] × (odd[m+r+i] +
	// odd[m+r-1-i]), r being halverReach.
	halve func(out, even, odd []float64, taps *[halverReach]float64)
	// interpolate returns the sum of taps × x.
	interpolate func(taps, x *[sincTaps]float64) float64
	// project fills sums with the product of basis and x.
	project func(sums *[paddedMFCCs]float64, basis *[melBands][paddedMFCCs]float64, x *[melBands]float64)
	// halfway fills out with the values between the two middle samples of every
	// peakTaps of x. taps apply to the sums of two samples at equal distance.
	halfway func(out, x []float64, taps *[peakHalf]float64)
}

func plainKernels() kernels {
	return kernels{
		product: product, excess: excess, average: average, dot: dot, magnitude: magnitude, inDecibels: inDecibels,
		radix4First: radix4First, radix4: radix4, radix4Last: radix4Last, radix8Last: radix8Last,
		unpack: unpack, power: power, fold: fold, halve: halve,
		interpolate: interpolate, project: project, halfway: halfway,
	}
}

func product(dst, a, b []float64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func excess(dst, x, floor, weights []float64) {
	x, floor, weights = x[:len(dst)], floor[:len(dst)], weights[:len(dst)]
	for i := range dst {
		dst[i] = max(x[i]-floor[i], 0) * weights[i]
	}
}

func average(dst, x, before, after []float64, side float64) {
	x, before, after = x[:len(dst)], before[:len(dst)], after[:len(dst)]
	middle := 1 - 2*side
	for i := range dst {
		dst[i] = middle*x[i] + side*(before[i]+after[i])
	}
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var parts [4]float64
	for len(a) >= 4 && len(b) >= 4 {
		parts[0] += a[0] * b[0]
		parts[1] += a[1] * b[1]
		parts[2] += a[2] * b[2]
		parts[3] += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := range a {
		parts[i] += a[i] * b[i]
	}
	return (parts[0] + parts[1]) + (parts[2] + parts[3])
}

func magnitude(x []float64) (top float64) {
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	return top
}

func inDecibels(x []float64, floor float64) {
	for i, v := range x {
		x[i] = decibels(v, floor)
	}
}

func halve(out, even, odd []float64, taps *[halverReach]float64) {
	even = even[:len(out)]
	for m := range out {
		x := (*[2 * halverReach]float64)(odd[m:])
		sum := 0.5 * even[m]
		for i, tap := range taps {
			sum += tap * (x[halverReach+i] + x[halverReach-1-i])
		}
		out[m] = sum
	}
}

func interpolate(taps, x *[sincTaps]float64) float64 {
	var parts [4]float64
	for i := 0; i < sincTaps; i += 4 {
		parts[0] += taps[i] * x[i]
		parts[1] += taps[i+1] * x[i+1]
		parts[2] += taps[i+2] * x[i+2]
		parts[3] += taps[i+3] * x[i+3]
	}
	return (parts[0] + parts[1]) + (parts[2] + parts[3])
}

func project(sums *[paddedMFCCs]float64, basis *[melBands][paddedMFCCs]float64, x *[melBands]float64) {
	*sums = [paddedMFCCs]float64{}
	for b, v := range x {
		row := &basis[b]
		for k := range mfccs {
			sums[k] += v * row[k]
		}
	}
}

func halfway(out, x []float64, taps *[peakHalf]float64) {
	for n := range out {
		x := (*[peakTaps]float64)(x[n:])
		sum := 0.0
		for i, tap := range taps {
			sum += tap * (x[peakHalf-1-i] + x[peakHalf+i])
		}
		out[n] = sum
	}
}
