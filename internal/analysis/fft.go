package analysis

import (
	"math"
	"math/cmplx"
)

// fft is the complex Fourier transform of a power of two, from 16 on: Stockham's
// self-sorting algorithm (Cochran et al. 1967; Van Loan 1992, §1.7) in radix 4,
// by decimation in frequency. The last step, of radix 4 or 8 as the length has
// it, turns nothing. Lengths and strides are such that the compiler leaves the
// bounds checks out of the loops: that is half of the speed.
type fft struct {
	// steps are those with twiddles, in order.
	steps [][]twiddles
	work  []complex128
}

// twiddles are the first three powers of a root of unity.
type twiddles struct{ w1, w2, w3 complex128 }

func newFFT(size int) *fft {
	t := &fft{work: make([]complex128, size)}
	for n := size; n > 8; n /= 4 {
		step := make([]twiddles, n/4)
		for p := range step {
			step[p] = twiddles{root(p, n), root(2*p, n), root(3*p, n)}
		}
		t.steps = append(t.steps, step)
	}
	return t
}

// root is e^(-2πi k/n).
func root(k, n int) complex128 { return cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) }

// transform overwrites x, of the transform's size, and gives the result, which
// is in x or in a slice that is valid until the next call.
func (t *fft) transform(x []complex128) []complex128 {
	from, to := x, t.work
	stride := 1
	for _, step := range t.steps {
		if stride == 1 {
			radix4First(to, from, step)
		} else {
			radix4(to, from, step, stride)
		}
		from, to = to, from
		stride *= 4
	}
	if len(x)/stride == 8 {
		radix8Last(to, from)
	} else {
		radix4Last(to, from)
	}
	return to
}

// timesI is i × z.
func timesI(z complex128) complex128 { return complex(-imag(z), real(z)) }

func radix4First(dst, src []complex128, step []twiddles) {
	n := len(step)
	a, b, c, d := src[:n], src[n:][:n], src[2*n:][:n], src[3*n:][:n]
	for p := range step {
		w := &step[p]
		to := (*[4]complex128)(dst[4*p:])
		even, odd := a[p]+c[p], a[p]-c[p]
		sum, turned := b[p]+d[p], timesI(b[p]-d[p])
		to[0] = even + sum
		to[1] = w.w1 * (odd - turned)
		to[2] = w.w2 * (even - sum)
		to[3] = w.w3 * (odd + turned)
	}
}

func radix4(dst, src []complex128, step []twiddles, s int) {
	quarter := len(src) / 4
	for p, w := range step {
		at := src[p*s:]
		a, b, c, d := at[:s], at[quarter:][:s], at[2*quarter:][:s], at[3*quarter:][:s]
		to := dst[4*p*s:]
		y0, y1, y2, y3 := to[:s], to[s:][:s], to[2*s:][:s], to[3*s:][:s]
		for q := range a {
			even, odd := a[q]+c[q], a[q]-c[q]
			sum, turned := b[q]+d[q], timesI(b[q]-d[q])
			y0[q] = even + sum
			y1[q] = w.w1 * (odd - turned)
			y2[q] = w.w2 * (even - sum)
			y3[q] = w.w3 * (odd + turned)
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
	fft    *fft
	packed []complex128
	roots  []complex128
}

func newRealFFT(size int) *realFFT {
	t := &realFFT{fft: newFFT(size / 2), packed: make([]complex128, size/2), roots: make([]complex128, size/2)}
	for k := range t.roots {
		t.roots[k] = timesI(root(k, size))
	}
	return t
}

// at is twice bin k, less than half the size, of the packed transform z.
func (t *realFFT) at(z []complex128, k int) complex128 {
	a, b := z[k], z[(len(z)-k)&(len(z)-1)]
	even := complex(real(a)+real(b), imag(a)-imag(b))
	odd := complex(real(a)-real(b), imag(a)+imag(b))
	return even - t.roots[k]*odd
}

// windowed gives power spectra of frames.
type windowed struct {
	*realFFT
	window []float64
}

// newWindowed is for frames as long as the window, filled with zeros to size,
// a power of two from 32 on.
func newWindowed(window []float64, size int) *windowed {
	w := &windowed{realFFT: newRealFFT(size), window: make([]float64, len(window))}
	for i, v := range window {
		w.window[i] = v / 2 // since at is twice as large
	}
	return w
}

// power fills out with the power of the first bins: as many as are asked for,
// up to the one in the middle.
func (w *windowed) power(out, frame []float64) {
	window := w.window[:len(frame)]
	filled := w.packed[:len(frame)/2]
	clear(w.packed[len(filled):])
	for i := range filled {
		filled[i] = complex(frame[2*i]*window[2*i], frame[2*i+1]*window[2*i+1])
	}
	z := w.fft.transform(w.packed)
	for k := range out[:min(len(out), len(z))] {
		x := w.at(z, k)
		out[k] = real(x)*real(x) + imag(x)*imag(x)
	}
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
func newCosines(n int) *cosines {
	c := &cosines{realFFT: newRealFFT(n), cos: make([]float64, n), sin: make([]float64, n)}
	for j := range n {
		c.sin[j], c.cos[j] = math.Sincos(math.Pi * float64(j) / float64(n))
	}
	return c
}

// transform fills out, of an even length up to n, with the first values of
// x[0] ± x[n] + 2 Σ x[j] cos(πjk/n).
func (c *cosines) transform(out, x []float64) {
	n := len(c.cos)
	x = x[:n+1]
	// Folded on its middle, so that the real transform has the even values in
	// its real part and in its imaginary part the steps from one odd value to
	// the next.
	first := x[0] - x[n]
	folded := func(j int) float64 {
		a, b := x[j], x[n-j]
		first += 2 * a * c.cos[j]
		return (a+b)/2 - c.sin[j]*(a-b)
	}
	c.packed[0] = complex((x[0]+x[n])/2, folded(1))
	for i := 1; i < len(c.packed); i++ {
		c.packed[i] = complex(folded(2*i), folded(2*i+1))
	}
	z := c.fft.transform(c.packed)
	out[0], out[1] = 2*(real(z[0])+imag(z[0])), first
	for k := 1; 2*k < len(out); k++ {
		v := c.at(z, k)
		first -= imag(v)
		out[2*k], out[2*k+1] = real(v), first
	}
}
