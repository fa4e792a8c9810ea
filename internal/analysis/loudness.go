package analysis

import (
	"math"

	"orak"
)

// Loudness as ITU-R BS.1770-4 and EBU R128 measure it: K-weighting, blocks of
// 400 ms every 100 ms, an absolute gate at -70 LUFS and a relative one 10 LU below
// the mean of the blocks that pass it.
const (
	loudnessStep  = sampleRate / 10 // 100 ms
	loudnessSteps = 4               // of them make a block
	loudnessGate  = -70.0
	// Block loudnesses are in a histogram, which bounds memory. Its bins have exact
	// sums, so that only the relative gate is rounded to a bin. -70 to +10 LUFS: a
	// full-scale square wave is below +5.
	loudnessBin  = 0.05
	loudnessBins = 1600
)

// silentPeak is the lowest true peak that is reported, in dBTP.
const silentPeak = -120.0

// loudnessMeter measures a stream.
type loudnessMeter struct {
	shelf, pass *biquad
	// step is the energy of the current 100 ms so far, steps those of the last
	// ones.
	step   float64
	filled int
	steps  [loudnessSteps]float64
	nSteps int
	counts [loudnessBins]int64
	sums   [loudnessBins]float64
	whole  float64 // energy of a recording shorter than one block
	n      int64
	peak   *peakMeter
}

func newLoudnessMeter(k kernels) *loudnessMeter {
	shelf, pass := kWeighting(sampleRate)
	return &loudnessMeter{shelf: shelf, pass: pass, peak: newPeakMeter(k)}
}

// kWeighting returns the two sections of BS.1770's K-weighting for any sampling rate.
// The recommendation has coefficients only for 48 kHz; these are the analog
// prototypes behind them (a shelf of +4 dB at 1682 Hz and a high-pass at 38 Hz),
// through the bilinear transform at the given rate.
func kWeighting(rate float64) (shelf, pass *biquad) {
	k := math.Tan(math.Pi * 1681.974450955533 / rate)
	q := 0.7071752369554196
	vh := math.Pow(10, 3.999843853973347/20)
	vb := math.Pow(vh, 0.4996667741545416)
	a0 := 1 + k/q + k*k
	shelf = &biquad{
		b0: (vh + vb*k/q + k*k) / a0, b1: 2 * (k*k - vh) / a0, b2: (vh - vb*k/q + k*k) / a0,
		a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0,
	}
	k = math.Tan(math.Pi * 38.13547087602444 / rate)
	q = 0.5003270373238773
	a0 = 1 + k/q + k*k
	// The numerator is not normalised in the recommendation either.
	pass = &biquad{b0: 1, b1: -2, b2: 1, a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0}
	return shelf, pass
}

func (m *loudnessMeter) push(x []float64) {
	m.peak.push(x)
	m.n += int64(len(x))
	for _, v := range x {
		y := m.pass.next(m.shelf.next(v))
		m.step += y * y
		if m.filled++; m.filled == loudnessStep {
			m.endStep()
		}
	}
}

func (m *loudnessMeter) endStep() {
	m.steps[m.nSteps%loudnessSteps] = m.step
	m.nSteps++
	m.whole += m.step
	m.step, m.filled = 0, 0
	if m.nSteps < loudnessSteps {
		return
	}
	sum := 0.0
	for _, s := range m.steps {
		sum += s
	}
	m.addBlock(sum / (loudnessStep * loudnessSteps))
}

func (m *loudnessMeter) addBlock(power float64) {
	l := lufs(power)
	if !(l > loudnessGate) {
		return
	}
	bin := min(int((l-loudnessGate)/loudnessBin), loudnessBins-1)
	m.counts[bin]++
	m.sums[bin] += power
}

// result ends the measurement. A recording shorter than one block counts as one block
// of its own length.
func (m *loudnessMeter) result() orak.Loudness {
	if m.nSteps < loudnessSteps && m.n > 0 {
		m.addBlock((m.whole + m.step) / float64(m.n))
	}
	return orak.Loudness{IntegratedLUFS: m.integrated(), TruePeakDBTP: m.peak.result()}
}

func (m *loudnessMeter) integrated() float64 {
	mean, ok := m.meanAbove(0)
	if !ok {
		return loudnessGate
	}
	gated, ok := m.meanAbove(mean / 10) // 10 LU below
	if !ok {
		return loudnessGate
	}
	return max(lufs(gated), loudnessGate)
}

// meanAbove returns the mean power of the blocks louder than gate; ok is false if
// there are none.
func (m *loudnessMeter) meanAbove(gate float64) (mean float64, ok bool) {
	var n int64
	sum := 0.0
	for i, c := range m.counts {
		if c > 0 && m.sums[i]/float64(c) > gate {
			n += c
			sum += m.sums[i]
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

// lufs returns the loudness of a K-weighted mean square of one channel.
func lufs(power float64) float64 { return -0.691 + decibels(power, -200) }
