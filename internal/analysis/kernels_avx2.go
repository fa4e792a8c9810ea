//go:build goexperiment.simd && amd64

package analysis

import (
	"math"
	"simd/archsimd"
	"unsafe"
)

// The vector kernels are built only with GOEXPERIMENT=simd
// (docs/decisions/0014-vectors.md).
// A vector has four float64 or two complex128. Each kernel processes whole vectors
// and leaves the rest to the plain kernel. No product is fused with a sum: that would
// round once less than the plain kernels. Each clears the upper halves of the
// registers at its end; otherwise other code would be slow on many processors.

// fastest returns the kernels to use on this machine.
func fastest() kernels {
	if !archsimd.X86.AVX2() {
		return plainKernels()
	}
	return vectorKernels()
}

func vectorKernels() kernels {
	return kernels{
		vectors: true,
		product: productAVX2, excess: excessAVX2, average: averageAVX2, dot: dotAVX2, magnitude: magnitudeAVX2, inDecibels: inDecibelsAVX2,
		radix4First: radix4FirstAVX2, radix4: radix4AVX2, radix4Last: radix4LastAVX2, radix8Last: radix8LastAVX2,
		unpack: unpackAVX2, power: powerAVX2, fold: foldAVX2, halve: halveAVX2,
		interpolate: interpolateAVX2, project: projectAVX2, halfway: halfwayAVX2,
	}
}

type vec = archsimd.Float64x4

func load(x *float64) vec { return archsimd.LoadFloat64x4((*[4]float64)(unsafe.Pointer(x))) }

func store(v vec, x *float64) { v.Store((*[4]float64)(unsafe.Pointer(x))) }

// loadPair returns x and the number after it.
func loadPair(x *complex128) vec { return archsimd.LoadFloat64x4((*[4]float64)(unsafe.Pointer(x))) }

func storePair(v vec, x *complex128) { v.Store((*[4]float64)(unsafe.Pointer(x))) }

func loadAt(x unsafe.Pointer, offset int) vec {
	return archsimd.LoadFloat64x4((*[4]float64)(unsafe.Add(x, offset)))
}

func storeAt(v vec, x unsafe.Pointer, offset int) { v.Store((*[4]float64)(unsafe.Add(x, offset))) }

// swapped exchanges real and imaginary parts.
func swapped(v vec) vec { return v.SelectFromPairGrouped(1, 0, v) }

// reals and imags have one of them in both places.
func reals(v vec) vec { return v.SelectFromPairGrouped(0, 0, v) }
func imags(v vec) vec { return v.SelectFromPairGrouped(1, 1, v) }

// times returns the product of v with a number given by its parts.
func times(re, im, v vec) vec { return re.Mul(v).AddSub(im.Mul(swapped(v))) }

// butterfly is a transform of 4, of which none is turned.
func butterfly(a, b, c, d vec) (y0, y1, y2, y3 vec) {
	even, odd := a.Add(c), a.Sub(c)
	sum := b.Add(d)
	// odd ± i (b - d); AddSub takes from real parts and adds to imaginary ones.
	return even.Add(sum), odd.AddSub(swapped(d.Sub(b))), even.Sub(sum), odd.AddSub(swapped(b.Sub(d)))
}

func productAVX2(dst, a, b []float64) {
	n := len(dst) &^ 3
	a, b = a[:len(dst)], b[:len(dst)]
	for i := 0; i < n; i += 4 {
		store(load(&a[i]).Mul(load(&b[i])), &dst[i])
	}
	archsimd.ClearAVXUpperBits()
	product(dst[n:], a[n:], b[n:])
}

func excessAVX2(dst, x, floor, weights []float64) {
	n := len(dst) &^ 3
	x, floor, weights = x[:len(dst)], floor[:len(dst)], weights[:len(dst)]
	none := archsimd.BroadcastFloat64x4(0)
	for i := 0; i < n; i += 4 {
		store(load(&x[i]).Sub(load(&floor[i])).Max(none).Mul(load(&weights[i])), &dst[i])
	}
	archsimd.ClearAVXUpperBits()
	excess(dst[n:], x[n:], floor[n:], weights[n:])
}

func averageAVX2(dst, x, before, after []float64, side float64) {
	n := len(dst) &^ 3
	x, before, after = x[:len(dst)], before[:len(dst)], after[:len(dst)]
	middle, sides := archsimd.BroadcastFloat64x4(1-2*side), archsimd.BroadcastFloat64x4(side)
	for i := 0; i < n; i += 4 {
		store(middle.Mul(load(&x[i])).Add(sides.Mul(load(&before[i]).Add(load(&after[i])))), &dst[i])
	}
	archsimd.ClearAVXUpperBits()
	average(dst[n:], x[n:], before[n:], after[n:], side)
}

func dotAVX2(a, b []float64) float64 {
	n := len(a) &^ 3
	b = b[:len(a)]
	parts := archsimd.BroadcastFloat64x4(0)
	for i := 0; i < n; i += 4 {
		parts = parts.Add(load(&a[i]).Mul(load(&b[i])))
	}
	var sums [4]float64
	parts.Store(&sums)
	archsimd.ClearAVXUpperBits()
	for i := n; i < len(a); i++ {
		sums[i-n] += a[i] * b[i]
	}
	return (sums[0] + sums[1]) + (sums[2] + sums[3])
}

func magnitudeAVX2(x []float64) float64 {
	n := len(x) &^ 3
	none := archsimd.BroadcastFloat64x4(0)
	top := none
	for i := 0; i < n; i += 4 {
		v := load(&x[i])
		top = top.Max(v.Max(none.Sub(v)))
	}
	a, b := largest(top)
	archsimd.ClearAVXUpperBits()
	return max(a, b, magnitude(x[n:]))
}

// largest are two of four, of which the larger is the largest: to compare them
// is not for vector code, see ClearAVXUpperBits.
func largest(v vec) (a, b float64) {
	pair := v.GetLo().Max(v.GetHi())
	return pair.GetElem(0), pair.GetElem(1)
}

func inDecibelsAVX2(x []float64, floor float64) {
	n := len(x) &^ 3
	least, lowest := archsimd.BroadcastFloat64x4(leastPower), archsimd.BroadcastFloat64x4(floor)
	root, mantissa := archsimd.BroadcastUint64x4(rootHalf), archsimd.BroadcastUint64x4(1<<52-1)
	// The exponent, made positive, becomes a number as the last bits of 2^52: AVX2
	// has no conversion, and no shift that keeps the sign.
	const raised, whole = 1024, 1 << 52
	mantissaBits := archsimd.BroadcastUint64x4(52)
	up, bias := archsimd.BroadcastUint64x4(raised<<52), archsimd.BroadcastUint64x4(math.Float64bits(whole))
	biased := archsimd.BroadcastFloat64x4(whole + raised)
	one := archsimd.BroadcastFloat64x4(1)
	c1, c2, c3 := archsimd.BroadcastFloat64x4(1.0/11), archsimd.BroadcastFloat64x4(1.0/9), archsimd.BroadcastFloat64x4(1.0/7)
	c4, c5 := archsimd.BroadcastFloat64x4(1.0/5), archsimd.BroadcastFloat64x4(1.0/3)
	ofTwo, ofE2 := archsimd.BroadcastFloat64x4(decibelsOfTwo), archsimd.BroadcastFloat64x4(decibelsOfE2)
	for i := 0; i < n; i += 4 {
		bits := load(&x[i]).Max(least).AsUint64x4().Sub(root)
		exponent := bits.Add(up).ShiftRight(mantissaBits).Or(bias).AsFloat64x4().Sub(biased)
		fraction := bits.And(mantissa).Add(root).AsFloat64x4()
		s := fraction.Sub(one).Div(fraction.Add(one))
		q := s.Mul(s)
		series := q.Mul(c1).Add(c2).Mul(q).Add(c3).Mul(q).Add(c4).Mul(q).Add(c5).Mul(q).Add(one)
		store(exponent.Mul(ofTwo).Add(s.Mul(series).Mul(ofE2)).Max(lowest), &x[i])
	}
	archsimd.ClearAVXUpperBits()
	inDecibels(x[n:], floor)
}

func radix4FirstAVX2(dst, src []complex128, w *twiddles) {
	n := len(src) / 4
	a, b, c, d := src[:n], src[n:][:n], src[2*n:][:n], src[3*n:][:n]
	w1, w2, w3 := w.w1[:n], w.w2[:n], w.w3[:n]
	for p := 0; p+1 < n; p += 2 {
		y0, y1, y2, y3 := butterfly(loadPair(&a[p]), loadPair(&b[p]), loadPair(&c[p]), loadPair(&d[p]))
		w := loadPair(&w1[p])
		y1 = times(reals(w), imags(w), y1)
		w = loadPair(&w2[p])
		y2 = times(reals(w), imags(w), y2)
		w = loadPair(&w3[p])
		y3 = times(reals(w), imags(w), y3)
		to := (*[8]complex128)(dst[4*p:])
		storePair(y0.Select128FromPair(0, 2, y1), &to[0])
		storePair(y2.Select128FromPair(0, 2, y3), &to[2])
		storePair(y0.Select128FromPair(1, 3, y1), &to[4])
		storePair(y2.Select128FromPair(1, 3, y3), &to[6])
	}
	archsimd.ClearAVXUpperBits()
}

func radix4AVX2(dst, src []complex128, w *twiddles, s int) {
	// The slices of the plain kernel would cost as much as a short run of q.
	dst = dst[:len(src)]
	w2, w3 := w.w2[:len(w.w1)], w.w3[:len(w.w1)]
	const size = int(unsafe.Sizeof(src[0]))
	from, to := unsafe.Pointer(unsafe.SliceData(src)), unsafe.Pointer(unsafe.SliceData(dst))
	run, quarter := s*size, len(src)/4*size
	for p, w1 := range w.w1 {
		re1, im1 := archsimd.BroadcastFloat64x4(real(w1)), archsimd.BroadcastFloat64x4(imag(w1))
		re2, im2 := archsimd.BroadcastFloat64x4(real(w2[p])), archsimd.BroadcastFloat64x4(imag(w2[p]))
		re3, im3 := archsimd.BroadcastFloat64x4(real(w3[p])), archsimd.BroadcastFloat64x4(imag(w3[p]))
		from, to := unsafe.Add(from, p*run), unsafe.Add(to, 4*p*run)
		for q := 0; q < run; q += 2 * size {
			from, to := unsafe.Add(from, q), unsafe.Add(to, q)
			y0, y1, y2, y3 := butterfly(loadAt(from, 0), loadAt(from, quarter), loadAt(from, 2*quarter), loadAt(from, 3*quarter))
			storeAt(y0, to, 0)
			storeAt(times(re1, im1, y1), to, run)
			storeAt(times(re2, im2, y2), to, 2*run)
			storeAt(times(re3, im3, y3), to, 3*run)
		}
	}
	archsimd.ClearAVXUpperBits()
}

func radix4LastAVX2(dst, src []complex128) {
	s := len(src) / 4
	a, b, c, d := src[:s], src[s:][:s], src[2*s:][:s], src[3*s:][:s]
	to0, to1, to2, to3 := dst[:s], dst[s:][:s], dst[2*s:][:s], dst[3*s:][:s]
	for q := 0; q < s-1; q += 2 {
		y0, y1, y2, y3 := butterfly(loadPair(&a[q]), loadPair(&b[q]), loadPair(&c[q]), loadPair(&d[q]))
		storePair(y0, &to0[q])
		storePair(y1, &to1[q])
		storePair(y2, &to2[q])
		storePair(y3, &to3[q])
	}
	archsimd.ClearAVXUpperBits()
}

func radix8LastAVX2(dst, src []complex128) {
	s := len(src) / 8
	x0, x1, x2, x3 := src[:s], src[s:][:s], src[2*s:][:s], src[3*s:][:s]
	x4, x5, x6, x7 := src[4*s:][:s], src[5*s:][:s], src[6*s:][:s], src[7*s:][:s]
	y0, y1, y2, y3 := dst[:s], dst[s:][:s], dst[2*s:][:s], dst[3*s:][:s]
	y4, y5, y6, y7 := dst[4*s:][:s], dst[5*s:][:s], dst[6*s:][:s], dst[7*s:][:s]
	half, minus := archsimd.BroadcastFloat64x4(math.Sqrt2/2), archsimd.BroadcastFloat64x4(-1)
	conjugate := archsimd.LoadFloat64x4(&[4]float64{1, -1, 1, -1})
	for q := 0; q < s-1; q += 2 {
		b0, b1, b2, b3 := butterfly(loadPair(&x1[q]), loadPair(&x3[q]), loadPair(&x5[q]), loadPair(&x7[q]))
		b1 = b1.AddSub(swapped(b1).Mul(minus)).Mul(half)
		b2 = swapped(b2).Mul(conjugate)
		b3 = swapped(b3).AddSub(b3).Mul(half).Mul(conjugate)
		a0, a1, a2, a3 := butterfly(loadPair(&x0[q]), loadPair(&x2[q]), loadPair(&x4[q]), loadPair(&x6[q]))
		storePair(a0.Add(b0), &y0[q])
		storePair(a1.Add(b1), &y1[q])
		storePair(a2.Add(b2), &y2[q])
		storePair(a3.Add(b3), &y3[q])
		storePair(a0.Sub(b0), &y4[q])
		storePair(a1.Sub(b1), &y5[q])
		storePair(a2.Sub(b2), &y6[q])
		storePair(a3.Sub(b3), &y7[q])
	}
	archsimd.ClearAVXUpperBits()
}

// bins are bins k and k+1 of realFFT, from 1 on.
func bins(z, roots []complex128, k int, minus vec) vec {
	a, b := loadPair(&z[k]), loadPair(&z[len(z)-k-1])
	b = b.Select128FromPair(1, 0, b)
	w := loadPair(&roots[k])
	return a.AddSub(b.Mul(minus)).Sub(times(reals(w), imags(w), a.AddSub(b)))
}

func unpackAVX2(out, z, roots []complex128) {
	minus := archsimd.BroadcastFloat64x4(-1)
	k := 1
	for ; k+1 < len(out); k += 2 {
		storePair(bins(z, roots, k, minus), &out[k])
	}
	archsimd.ClearAVXUpperBits()
	for ; k < len(out); k++ {
		out[k] = bin(z, roots, k)
	}
	unpack(out[:min(1, len(out))], z, roots) // bin 0 has no mirror image
}

func powerAVX2(out []float64, z, roots []complex128) {
	minus := archsimd.BroadcastFloat64x4(-1)
	k := 1
	for ; k+3 < len(out); k += 4 {
		a, b := bins(z, roots, k, minus), bins(z, roots, k+2, minus)
		a, b = a.Mul(a), b.Mul(b)
		// Their halves are exchanged, so that the sums of pairs come in order.
		store(a.Select128FromPair(0, 2, b).AddPairsGrouped(a.Select128FromPair(1, 3, b)), &out[k])
	}
	archsimd.ClearAVXUpperBits()
	for ; k < len(out); k++ {
		x := bin(z, roots, k)
		out[k] = real(x)*real(x) + imag(x)*imag(x)
	}
	power(out[:min(1, len(out))], z, roots)
}

func foldAVX2(dst, x, cos, sin []float64) float64 {
	n := len(dst)
	cos, sin, x = cos[:n], sin[:n], x[:n+1]
	half, two := archsimd.BroadcastFloat64x4(0.5), archsimd.BroadcastFloat64x4(2)
	parts := archsimd.BroadcastFloat64x4(0)
	for j := 0; j < n; j += 4 {
		a, b := load(&x[j]), load(&x[n-j-3])
		b = swapped(b.Select128FromPair(1, 0, b))
		parts = parts.Add(two.Mul(a).Mul(load(&cos[j])))
		store(a.Add(b).Mul(half).Sub(load(&sin[j]).Mul(a.Sub(b))), &dst[j])
	}
	sum := total(parts)
	archsimd.ClearAVXUpperBits()
	return sum
}

// total adds the partial sums.
func total(parts vec) float64 {
	pairs := parts.AddPairsGrouped(parts)
	return pairs.GetLo().Add(pairs.GetHi()).GetElem(0)
}

func halveAVX2(out, even, odd []float64, taps *[halverReach]float64) {
	n := len(out) &^ 3
	even = even[:len(out)]
	half := archsimd.BroadcastFloat64x4(0.5)
	for m := 0; m < n; m += 4 {
		x := odd[m:][:2*halverReach+3]
		sum := half.Mul(load(&even[m]))
		for i := range halverReach {
			sum = sum.Add(archsimd.BroadcastFloat64x4(taps[i]).Mul(load(&x[halverReach+i]).Add(load(&x[halverReach-1-i]))))
		}
		store(sum, &out[m])
	}
	archsimd.ClearAVXUpperBits()
	halve(out[n:], even[n:], odd[n:], taps)
}

func interpolateAVX2(taps, x *[sincTaps]float64) float64 {
	parts := archsimd.BroadcastFloat64x4(0)
	for i := 0; i < sincTaps; i += 4 {
		parts = parts.Add(load(&taps[i]).Mul(load(&x[i])))
	}
	sum := total(parts)
	archsimd.ClearAVXUpperBits()
	return sum
}

func projectAVX2(sums *[paddedMFCCs]float64, basis *[melBands][paddedMFCCs]float64, x *[melBands]float64) {
	var a, b, c, d vec
	for i, v := range x {
		row, v := &basis[i], archsimd.BroadcastFloat64x4(v)
		a = a.Add(v.Mul(load(&row[0])))
		b = b.Add(v.Mul(load(&row[4])))
		c = c.Add(v.Mul(load(&row[8])))
		d = d.Add(v.Mul(load(&row[12])))
	}
	store(a, &sums[0])
	store(b, &sums[4])
	store(c, &sums[8])
	store(d, &sums[12])
	archsimd.ClearAVXUpperBits()
}

func halfwayAVX2(out, x []float64, taps *[peakHalf]float64) {
	n := len(out) &^ 3
	none := archsimd.BroadcastFloat64x4(0) // made in the loop, it would be by a legacy SSE instruction
	for at := 0; at < n; at += 4 {
		x := x[at:][:peakTaps+3]
		sum := none
		for i := range peakHalf {
			sum = sum.Add(archsimd.BroadcastFloat64x4(taps[i]).Mul(load(&x[peakHalf-1-i]).Add(load(&x[peakHalf+i]))))
		}
		store(sum, &out[at])
	}
	archsimd.ClearAVXUpperBits()
	halfway(out[n:], x[n:], taps)
}
