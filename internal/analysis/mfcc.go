package analysis

import (
	"math"

	"orak"
)

// The mel spectrum: Hann frames of 32 ms every 10 ms, 40 triangular bands
// from 20 Hz to 8 kHz on O'Shaughnessy's mel scale, in dB with a full-scale
// sine near 0, cut at -100. The cepstrum is its orthonormal DCT-II (Davis &
// Mermelstein 1980), from the zeroth coefficient on.
const (
	melFrame = 512
	melBands = 40
	melFrom  = 20.0
	melTo    = sampleRate / 2.0
	melFloor = -100.0
	mfccs    = 13
	// paddedMFCCs is mfccs rounded up to whole vectors of 4.
	paddedMFCCs = 16
)

// Statistics are collected separately for each level of a frame, 1 dB wide, so that
// those of quiet frames can be left out at the end. Only then is known which frames
// are quiet: that depends on the level of the recording, not on its gain.
const (
	levels      = 110 // from -109 dBFS
	timbreDepth = 40  // dB below the 95th percentile still count
)

// melBand is one triangle of the filter bank.
type melBand struct {
	first   int
	weights []float64
}

// melSums has the sums of one level, or of all that count.
type melSums struct {
	n        int64
	sum, sq  [mfccs]float64
	deltaSq  [mfccs]float64
	centroid float64
}

// melFrames computes mel spectra of a stream and their statistics.
type melFrames struct {
	frames   *framer
	spectrum *windowed
	kernels  kernels
	power    []float64
	// ones has 1 for each bin, bins its number.
	ones, bins []float64
	bank       []melBand
	// basis has the rows of the DCT as columns.
	basis [melBands][paddedMFCCs]float64
	sums  [paddedMFCCs]float64
	// each gets every frame's mel spectrum in dB and must not keep it.
	each func(mel *[melBands]float64)
	mel  [melBands]float64
	// past has the cepstra and levels of the last two frames.
	past  [2]cepstrum
	n     int64
	level [levels]melSums
}

type cepstrum struct {
	c     [mfccs]float64
	level int
}

func newMelFrames(k kernels, each func(mel *[melBands]float64)) *melFrames {
	window, sum := hann(melFrame), 0.0
	for _, w := range window {
		sum += w
	}
	for i := range window {
		window[i] *= 2 / sum
	}
	m := &melFrames{
		frames: newFramer(melFrame, hop), spectrum: newWindowed(window, melFrame, k), kernels: k,
		power: make([]float64, melFrame/2+1), bank: melBank(), each: each,
	}
	for k := range m.power {
		m.ones, m.bins = append(m.ones, 1), append(m.bins, float64(k))
	}
	for k := range mfccs {
		norm := math.Sqrt(2.0 / melBands)
		if k == 0 {
			norm = math.Sqrt(1.0 / melBands)
		}
		for b := range m.basis {
			m.basis[b][k] = norm * math.Cos(math.Pi*float64(k)*(float64(b)+0.5)/melBands)
		}
	}
	return m
}

func melBank() []melBand {
	toMel := func(f float64) float64 { return 2595 * math.Log10(1+f/700) }
	toHz := func(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) }
	edge := func(i int) float64 {
		lo, hi := toMel(melFrom), toMel(melTo)
		return toHz(lo+(hi-lo)*float64(i)/(melBands+1)) * melFrame / sampleRate
	}
	bank := make([]melBand, melBands)
	for b := range bank {
		lo, mid, hi := edge(b), edge(b+1), edge(b+2)
		first := int(math.Ceil(lo))
		for k := first; float64(k) < hi && k <= melFrame/2; k++ {
			w := (float64(k) - lo) / (mid - lo)
			if float64(k) > mid {
				w = (hi - float64(k)) / (hi - mid)
			}
			bank[b].weights = append(bank[b].weights, w)
		}
		if len(bank[b].weights) == 0 { // narrower than a bin: the nearest one
			first = int(math.Round(mid))
			bank[b].weights = []float64{1}
		}
		bank[b].first = first
	}
	return bank
}

func (m *melFrames) push(x []float64) { m.frames.push(x, m.frame) }

func (m *melFrames) frame(frame []float64) {
	level := m.kernels.centreLevel(frame, centre*sampleRate)
	m.spectrum.spectrum(m.power, frame)
	total, weighted := m.kernels.dot(m.power, m.ones), m.kernels.dot(m.power, m.bins)
	for b := range m.bank {
		band := &m.bank[b]
		sum := 0.0
		for i, p := range m.power[band.first : band.first+len(band.weights)] {
			sum += p * band.weights[i]
		}
		m.mel[b] = sum
	}
	m.kernels.inDecibels(m.mel[:], melFloor)
	m.each(&m.mel)
	if total > 0 {
		weighted *= sampleRate / (total * melFrame)
	}
	m.gather(level, weighted)
}

// gather adds the frame to the sums of its level. The change over two frames counts
// for the level of the softer one.
func (m *melFrames) gather(level, centroid float64) {
	now := cepstrum{level: min(max(int(math.Floor(level))+levels-1, 0), levels-1)}
	m.kernels.project(&m.sums, &m.basis, &m.mel)
	copy(now.c[:], m.sums[:])
	s := &m.level[now.level]
	s.n++
	s.centroid += centroid
	for k, c := range now.c {
		s.sum[k] += c
		s.sq[k] += c * c
	}
	last := &m.past[m.n%2]
	if m.n >= 2 {
		d := &m.level[min(now.level, last.level)]
		for k := range now.c {
			d.deltaSq[k] += (now.c[k] - last.c[k]) * (now.c[k] - last.c[k])
		}
	}
	*last = now
	m.n++
}

// timbre has the statistics of the frames that are not silent.
type timbre struct {
	// sounding is the number of those frames.
	sounding         int64
	mean, std, delta [mfccs]float64
	centroidHz       float64
}

// result ends the stream.
func (m *melFrames) result() timbre {
	m.frames.flush(m.frame)
	var all melSums
	for l := m.quietest(); l < levels; l++ {
		all.add(&m.level[l])
	}
	t := timbre{sounding: all.n}
	if all.n == 0 {
		return t
	}
	n := float64(all.n)
	t.centroidHz = all.centroid / n
	for k := range t.mean {
		t.mean[k] = all.sum[k] / n
		t.std[k] = math.Sqrt(max(all.sq[k]/n-t.mean[k]*t.mean[k], 0))
		t.delta[k] = math.Sqrt(all.deltaSq[k] / n)
	}
	return t
}

// quietest returns the lowest level that counts.
func (m *melFrames) quietest() int {
	const silent = levels - 1 + int(minLevel)
	var n, above int64
	for l := silent; l < levels; l++ {
		n += m.level[l].n
	}
	for l := levels - 1; l >= silent; l-- {
		if above += m.level[l].n; above*20 > n {
			return max(l-timbreDepth, silent)
		}
	}
	return levels
}

func (s *melSums) add(o *melSums) {
	s.n += o.n
	s.centroid += o.centroid
	for k := range s.sum {
		s.sum[k] += o.sum[k]
		s.sq[k] += o.sq[k]
		s.deltaSq[k] += o.deltaSq[k]
	}
}

func (t timbre) summary() orak.Timbre {
	return orak.Timbre{
		MFCCMean:   append([]float64{}, t.mean[:]...),
		MFCCStd:    append([]float64{}, t.std[:]...),
		CentroidHz: t.centroidHz,
	}
}
