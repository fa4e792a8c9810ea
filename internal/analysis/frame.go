package analysis

import (
	"math"
	"runtime"
)

// hop is the distance of two frames of the pitch curve and of the mel
// spectrum, in samples: 10 ms.
const (
	hop  = sampleRate / 100
	hopS = float64(hop) / sampleRate
)

// framer cuts a stream into overlapping frames. Frame i is centred at sample
// i × hop, so the first begins half a frame before the recording, in zeros.
type framer struct {
	size, hop int
	buf       []float64
	start     int
	pushed    int64
	emitted   int64
}

func newFramer(size, hop int) *framer {
	f := &framer{size: size, hop: hop, buf: make([]float64, size/2, 4*size+blockSize)}
	return f
}

// push adds samples and calls each for every frame that they complete. The frame is
// valid only during the call and must not be changed.
func (f *framer) push(x []float64, each func(frame []float64)) {
	f.pushed += int64(len(x))
	f.add(x)
	for f.ready() {
		f.emit(each)
	}
}

// flush calls each for the frames that reach past the end, padded with zeros. In
// total there is a frame for every hop begun.
func (f *framer) flush(each func(frame []float64)) {
	f.add(make([]float64, f.size))
	for f.emitted*int64(f.hop) < f.pushed && f.ready() {
		f.emit(each)
	}
}

func (f *framer) add(x []float64) {
	if f.start > 0 && len(f.buf)+len(x) > cap(f.buf) {
		n := copy(f.buf, f.buf[f.start:])
		f.buf, f.start = f.buf[:n], 0
	}
	f.buf = append(f.buf, x...)
}

func (f *framer) ready() bool { return len(f.buf)-f.start >= f.size }

// emit yields between two frames. An analysis computes without a pause, and while
// all processors compute Go polls the network only every 10 ms: uploads served by
// the same process would wait that long at each of their many steps
// (docs/benchmarks.md).
func (f *framer) emit(each func(frame []float64)) {
	runtime.Gosched()
	each(f.buf[f.start : f.start+f.size])
	f.start += f.hop
	f.emitted++
}

// hann returns the periodic Hann window.
func hann(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
	}
	return w
}

// biquad is a second-order section in transposed direct form II.
type biquad struct {
	b0, b1, b2, a1, a2 float64
	s1, s2             float64
}

func (q *biquad) next(x float64) float64 {
	y := q.b0*x + q.s1
	// In this order the next output depends on one addition less.
	q.s1 = (q.b1*x + q.s2) - q.a1*y
	q.s2 = q.b2*x - q.a2*y
	return y
}

// highPass returns a Butterworth high-pass at cutoff Hz.
func highPass(cutoff float64) *biquad {
	k := math.Tan(math.Pi * cutoff / sampleRate)
	norm := 1 / (1 + math.Sqrt2*k + k*k)
	return &biquad{
		b0: norm, b1: -2 * norm, b2: norm,
		a1: 2 * (k*k - 1) * norm, a2: (1 - math.Sqrt2*k + k*k) * norm,
	}
}

// decibels returns 10 log10 of a power, exact to 1e-9, at least floor and that of
// leastPower. It takes the exponent and, for the fraction between √½ and √2, the
// series of the inverse hyperbolic tangent (Abramowitz & Stegun 1964, 4.1.27). The
// standard library's logarithm is more exact and several times slower.
func decibels(power, floor float64) float64 {
	bits := math.Float64bits(max(power, leastPower)) - rootHalf
	fraction := math.Float64frombits(bits&(1<<52-1) + rootHalf)
	s := (fraction - 1) / (fraction + 1)
	q := s * s
	series := ((((q*(1.0/11)+1.0/9)*q+1.0/7)*q+1.0/5)*q+1.0/3)*q + 1
	return max(float64(int64(bits)>>52)*decibelsOfTwo+s*series*decibelsOfE2, floor)
}

const (
	leastPower = 1e-200
	// rootHalf has the bits of √½.
	rootHalf = 0x3fe6a09e667f3bcd
	// 10 log10 of 2, and of e².
	decibelsOfTwo = 10 * math.Ln2 / math.Ln10
	decibelsOfE2  = 20 / math.Ln10
)
