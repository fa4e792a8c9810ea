package analysis

import "math"

// The true peak is that of the signal oversampled 4 times (BS.1770-4, annex 2), by a
// polyphase windowed-sinc filter. With 32 taps a phase it is flat to 7 kHz, unlike the
// recommendation's own 12 taps.
const (
	peakPhases = 4
	peakHalf   = 16
	peakTaps   = 2 * peakHalf
	// peakRun is how many positions share one bound.
	peakRun = 32
)

// peakMeter keeps the largest magnitude between and at the samples.
type peakMeter struct {
	kernels kernels
	// half has the taps of the middle phase for the sums of two samples at equal
	// distance from it; even and odd those of the first phase for their sums and
	// differences and, with odd negated, of the last phase.
	half, even, odd [peakHalf]float64
	// gain bounds the ratio of an interpolated value to the samples that it is made of:
	// the largest sum of magnitudes of a phase.
	gain float64
	peak float64
	buf  []float64
	// halfway has the values of the middle phase in a run.
	halfway [peakRun]float64
}

func newPeakMeter(k kernels) *peakMeter {
	m := &peakMeter{kernels: k, buf: make([]float64, peakTaps-1, peakTaps+blockSize)}
	quarter, half := peakFilter(1.0/peakPhases), peakFilter(2.0/peakPhases)
	for i := range peakHalf {
		before, after := peakHalf-1-i, peakHalf+i
		m.half[i] = half[before]
		m.even[i] = (quarter[before] + quarter[after]) / 2
		m.odd[i] = (quarter[before] - quarter[after]) / 2
	}
	m.gain = max(magnitudes(quarter), magnitudes(half))
	return m
}

// peakFilter returns the taps for the value at a fraction of the way between the two
// middle samples.
func peakFilter(at float64) (taps [peakTaps]float64) {
	sum := 0.0
	for i := range taps {
		d := float64(i-peakHalf+1) - at
		taps[i] = sinc(d) * kaiser(d/peakHalf, 7)
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	return taps
}

func magnitudes(taps [peakTaps]float64) (sum float64) {
	for _, v := range taps {
		sum += math.Abs(v)
	}
	return sum
}

func (m *peakMeter) push(x []float64) {
	m.buf = append(m.buf, x...)
	top := m.kernels.magnitude(m.buf)
	m.peak = max(m.peak, top)
	if top*m.gain > m.peak {
		m.interpolate()
	}
	n := copy(m.buf, m.buf[len(m.buf)-(peakTaps-1):])
	m.buf = m.buf[:n]
}

func (m *peakMeter) interpolate() {
	last := len(m.buf) - peakTaps
	for from := 0; from <= last; from += peakRun {
		to := min(from+peakRun, last+1)
		run := m.buf[from : to+peakTaps-1]
		if m.kernels.magnitude(run)*m.gain > m.peak {
			m.run(run, m.halfway[:to-from])
		}
	}
}

// run computes the phases between the middle samples of every peakTaps of x. The first
// and the last phase are in the middle between values at twice the rate, which they
// exceed by some tenths at most: so they are computed only where one of those is at
// least half of the peak.
func (m *peakMeter) run(x, halfway []float64) {
	m.kernels.halfway(halfway, x, &m.half)
	m.peak = max(m.peak, m.kernels.magnitude(halfway))
	for i, h := range halfway {
		x := (*[peakTaps]float64)(x[i:])
		near := max(math.Abs(h), math.Abs(x[peakHalf-1]), math.Abs(x[peakHalf]))
		if 2*near > m.peak {
			m.peak = max(m.peak, m.quarters(x))
		}
	}
}

// quarters returns the largest magnitude of the first and the last phase between the
// middle samples of x.
func (m *peakMeter) quarters(x *[peakTaps]float64) float64 {
	even, odd := 0.0, 0.0
	for i := range peakHalf {
		before, after := x[peakHalf-1-i], x[peakHalf+i]
		even += m.even[i] * (before + after)
		odd += m.odd[i] * (before - after)
	}
	return math.Abs(even) + math.Abs(odd) // the larger of |even + odd| and |even - odd|
}

// result ends the measurement.
func (m *peakMeter) result() float64 {
	m.push(make([]float64, peakTaps))
	return decibels(m.peak*m.peak, silentPeak)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser returns the Kaiser window at x, -1 to 1.
func kaiser(x, beta float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return besselI0(beta*math.Sqrt(1-x*x)) / besselI0(beta)
}

func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}
