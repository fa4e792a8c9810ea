package analysis

import (
	"math"
	"math/cmplx"
	"unsafe"
)

// fft is the complex Fourier transform of a power of two, from 16 on: Stockham's
// self-sorting algorithm (Cochran et al. 1967; Van Loan 1992, §1.7) in radix 4,
// by decimation in frequency. The last step, of radix 4 or 8 by the length, has no
// twiddles. Lengths and strides let the compiler omit the bounds checks in the
// loops, which doubles the speed.
type fft struct {
	kernels
	// steps are the steps with twiddles, in order.
	steps []twiddles
	work  []complex128
}

// twiddles are the first three powers of each root of unity of a step.
type twiddles struct{ w1, w2, w3 []complex128 }

func newFFT(size int, k kernels) *fft {
	t := &fft{kernels: k, work: make([]complex128, size)}
	for n := size; n > 8; n /= 4 {
		var step twiddles
		for p := range n / 4 {
			step.w1 = append(step.w1, root(p, n))
			step.w2 = append(step.w2, root(2*p, n))
			step.w3 = append(step.w3, root(3*p, n))
		}
		t.steps = append(t.steps, step)
	}
	return t
}

// root returns e^(-2πi k/n).
func root(k, n int) complex128 { return cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) }

// transform overwrites x, of the transform's size, and returns the result, in x or in
// a slice that is valid until the next call. The other of the two, spare, is free
// until then.
func (t *fft) transform(x []complex128) (result, spare []complex128) {
	from, to := x, t.work
	stride := 1
	for i := range t.steps {
		if stride == 1 {
			t.radix4First(to, from, &t.steps[i])
		} else {
			t.radix4(to, from, &t.steps[i], stride)
		}
		from, to = to, from
		stride *= 4
	}
	if len(x)/stride == 8 {
		t.radix8Last(to, from)
	} else {
		t.radix4Last(to, from)
	}
	return to, from
}

// timesI returns i × z.
func timesI(z complex128) complex128 { return complex(-imag(z), real(z)) }

func radix4First(dst, src []complex128, w *twiddles) {
	n := len(src) / 4
	a, b, c, d := src[:n], src[n:][:n], src[2*n:][:n], src[3*n:][:n]
	w1, w2, w3 := w.w1[:n], w.w2[:n], w.w3[:n]
	for p := range a {
		to := (*[4]complex128)(dst[4*p:])
		even, odd := a[p]+c[p], a[p]-c[p]
		sum, turned := b[p]+d[p], timesI(b[p]-d[p])
		to[0] = even + sum
		to[1] = w1[p] * (odd - turned)
		to[2] = w2[p] * (even - sum)
		to[3] = w3[p] * (odd + turned)
	}
}

func radix4(dst, src []complex128, w *twiddles, s int) {
	quarter := len(src) / 4
	for p, w1 := range w.w1 {
		w2, w3 := w.w2[p], w.w3[p]
		at := src[p*s:]
		a, b, c, d := at[:s], at[quarter:][:s], at[2*quarter:][:s], at[3*quarter:][:s]
		to := dst[4*p*s:]
		y0, y1, y2, y3 := to[:s], to[s:][:s], to[2*s:][:s], to[3*s:][:s]
		for q := range a {
			even, odd := a[q]+c[q], a[q]-c[q]
			sum, turned := b[q]+d[q], timesI(b[q]-d[q])
			y0[q] = even + sum
			y1[q] = w1 * (odd - turned)
			y2[q] = w2 * (even - sum)
			y3[q] = w3 * (odd + turned)
		}
	}
}

func radix4Last(dst, src []complex128) {
	s := len(src) / 4
	a, b, c, d := src[:s], src[s:][:s], src[2*s:][:s], src[3*s:][:s]
	y0, y1, y2, y3 := dst[:s], dst[s:][:s], dst[2*s:][:s], dst[3*s:][:s]
	for q := range a {
		even, odd := a[q]+c[q], a[q]-c[q]
		sum, turned := b[q]+d[q], timesI(b[q]-d[q])
		y0[q], y1[q], y2[q], y3[q] = even+sum, odd-turned, even-sum, odd+turned
	}
}

func radix8Last(dst, src []complex128) {
	s := len(src) / 8
	x0, x1, x2, x3 := src[:s], src[s:][:s], src[2*s:][:s], src[3*s:][:s]
	x4, x5, x6, x7 := src[4*s:][:s], src[5*s:][:s], src[6*s:][:s], src[7*s:][:s]
	y0, y1, y2, y3 := dst[:s], dst[s:][:s], dst[2*s:][:s], dst[3*s:][:s]
	y4, y5, y6, y7 := dst[4*s:][:s], dst[5*s:][:s], dst[6*s:][:s], dst[7*s:][:s]
	for q := range x0 {
		// The even places, and the odd ones, as transforms of 4.
		even, odd := x0[q]+x4[q], x0[q]-x4[q]
		sum, turned := x2[q]+x6[q], timesI(x2[q]-x6[q])
		a0, a1, a2, a3 := even+sum, odd-turned, even-sum, odd+turned
		even, odd = x1[q]+x5[q], x1[q]-x5[q]
		sum, turned = x3[q]+x7[q], timesI(x3[q]-x7[q])
		b0, b1, b2, b3 := even+sum, odd-turned, even-sum, odd+turned
		// 1, (1-i)/√2, -i and -(1+i)/√2.
		b1 = complex((real(b1)+imag(b1))*(math.Sqrt2/2), (imag(b1)-real(b1))*(math.Sqrt2/2))
		b2 = complex(imag(b2), -real(b2))
		b3 = complex((imag(b3)-real(b3))*(math.Sqrt2/2), -(real(b3)+imag(b3))*(math.Sqrt2/2))
		y0[q], y1[q], y2[q], y3[q] = a0+b0, a1+b1, a2+b2, a3+b3
		y4[q], y5[q], y6[q], y7[q] = a0-b0, a1-b1, a2-b2, a3-b3
	}
}

// realFFT is the transform of a real signal, by a complex one of half its size
// (Cooley, Lewis & Welch 1970).
type realFFT struct {
	*fft
	// packed has the signal's even samples as real parts and its odd ones as
	// imaginary parts; signal is the same memory as a slice of samples.
	packed []complex128
	signal []float64
	roots  []complex128
}

func newRealFFT(size int, k kernels) *realFFT {
	t := &realFFT{fft: newFFT(size/2, k), packed: make([]complex128, size/2), roots: make([]complex128, size/2)}
	t.signal = unsafe.Slice((*float64)(unsafe.Pointer(&t.packed[0])), size)
	for k := range t.roots {
		t.roots[k] = timesI(root(k, size))
	}
	return t
}

func unpack(out, z, roots []complex128) {
	for k := range out {
		out[k] = bin(z, roots, k)
	}
}

func power(out []float64, z, roots []complex128) {
	for k := range out {
		x := bin(z, roots, k)
		out[k] = real(x)*real(x) + imag(x)*imag(x)
	}
}

// bin returns twice bin k, less than half the size, of the packed transform z.
func bin(z, roots []complex128, k int) complex128 {
	a, b := z[k], z[(len(z)-k)&(len(z)-1)]
	even := complex(real(a)+real(b), imag(a)-imag(b))
	odd := complex(real(a)-real(b), imag(a)+imag(b))
	return even - roots[k]*odd
}

// windowed computes power spectra of frames.
type windowed struct {
	*realFFT
	window []float64
}

// newWindowed is for frames as long as the window, padded with zeros to size, a power
// of two from 32 on.
func newWindowed(window []float64, size int, k kernels) *windowed {
	w := &windowed{realFFT: newRealFFT(size, k), window: make([]float64, len(window))}
	for i, v := range window {
		w.window[i] = v / 2 // since unpack's bins are twice as large
	}
	return w
}

// spectrum fills out with the power of the first bins, at most up to the middle
// one.
func (w *windowed) spectrum(out, frame []float64) {
	w.product(w.signal[:len(frame)], frame, w.window)
	clear(w.signal[len(frame):])
	z, _ := w.transform(w.packed)
	w.power(out[:min(len(out), len(z))], z, w.roots)
	if len(out) > len(z) {
		x := 2 * (real(z[0]) - imag(z[0]))
		out[len(z)] = x * x
	}
}

// cosines transforms a power spectrum, which is real and even, into an
// autocorrelation: a DCT-I, by a real transform of half the length (Press et
// al., Numerical Recipes 1992, §12.3).
type cosines struct {
	*realFFT
	// cos and sin of πj/n for every j.
	cos, sin []float64
}

// newCosines is for n+1 values, n being a power of two, from 32 on.
func newCosines(n int, k kernels) *cosines {
	c := &cosines{realFFT: newRealFFT(n, k), cos: make([]float64, n), sin: make([]float64, n)}
	for j := range n {
		c.sin[j], c.cos[j] = math.Sincos(math.Pi * float64(j) / float64(n))
	}
	return c
}

// correlation fills out, of an even length up to n, with the first values of
// x[0] ± x[n] + 2 Σ x[j] cos(πjk/n).
func (c *cosines) correlation(out, x []float64) {
	n := len(c.cos)
	first := c.fold(c.signal, x[:n+1], c.cos, c.sin) - x[0] - x[n]
	z, bins := c.transform(c.packed)
	out[0], out[1] = 2*(real(z[0])+imag(z[0])), first
	bins = bins[:len(out)/2]
	c.unpack(bins, z, c.roots)
	for k := 1; 2*k < len(out); k++ {
		first -= imag(bins[k])
		out[2*k], out[2*k+1] = real(bins[k]), first
	}
}

// fold fills dst so that its real transform has the even values in its real part,
// and in its imaginary part the differences between successive odd values.
func fold(dst, x, cos, sin []float64) float64 {
	n := len(dst)
	var parts [4]float64
	for j := range dst {
		a, b := x[j], x[n-j]
		parts[j%4] += 2 * a * cos[j]
		dst[j] = (a+b)*0.5 - sin[j]*(a-b)
	}
	return (parts[0] + parts[1]) + (parts[2] + parts[3])
}
