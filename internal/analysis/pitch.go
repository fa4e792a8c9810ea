package analysis

import "math"

// The frame of the pitch analysis: 64 ms, which has 3 periods of the lowest
// fundamental, and a transform so long that the circular autocorrelation equals the
// linear one at every lag of the search.
const (
	pitchFrame = 0.064 * halvedRate
	pitchFFT   = 1024
	// corrFFT is the transform back, to the autocorrelation at lags of the full rate;
	// both have the same distance of bins.
	corrFFT = pitchFFT * sampleRate / halvedRate
	// The spectrum is low-passed before it is correlated, to remove noise above the
	// harmonics that carry the pitch: all of it passes up to lowPassFrom Hz, nothing
	// from lowPassTo Hz on.
	lowPassFrom = 2500.0
	lowPassTo   = 3875.0
	// pitchBins is how many bins pass.
	pitchBins = lowPassTo*pitchFFT/halvedRate + 1
	// minLevel is the level in dBFS below which a frame counts as silence: 6 steps of
	// the 16 bits.
	minLevel = -75.0
	// centre is the length of the middle of a frame that its level is measured on:
	// 20 ms.
	centre = 0.02
)

const (
	maxCandidates = 12
	// provenLag is how long a sound must repeat to count as periodic, in samples: 3.75
	// ms. The narrow hiss of a sibilant repeats for a millisecond or two, which would
	// be a very high note.
	provenLag = 60.0
	// maxRepeats is for how many consecutive periods a candidate is followed, and
	// maxRepeatLag how far: beyond, too little of the window overlaps.
	maxRepeats   = 12
	maxRepeatLag = 290
	// minStrength is the periodicity below which a lag is no candidate.
	minStrength = 0.16
	// octaveCost makes the shortest of equally good periods win: a candidate must be
	// better by this, per octave, to be preferred to a higher one. In noise chance
	// favours the longer of two lags, so noisyOctaveCost × (1 - strength) is added.
	octaveCost      = 0.015
	noisyOctaveCost = 0.15
	// clearStrength is the periodicity from which the autocorrelation gives the best
	// frequency. Below it, and from resolvedFrom Hz on, where a frame resolves the
	// partials, the spectrum does, by at most maxHarmonics partials.
	clearStrength = 0.97
	resolvedFrom  = 75.0
	maxHarmonics  = 12
	// clearOfNoise is how much stronger than the noise a partial must be.
	clearOfNoise = 8
	// voicingThreshold is the periodicity at which a frame is voiced with probability
	// 0.5; voicingSlope is the width of the transition. White noise reaches 0.3, a
	// voice in equally loud noise 0.7.
	voicingThreshold = 0.5
	voicingSlope     = 0.08
)

// candidate is a possible period of a frame.
type candidate struct {
	f0 float64
	// log2 is that of f0, for the distance of two candidates.
	log2 float64
	// strength is the periodicity: 1 for a periodic frame, 0 for none.
	strength float64
	cost     float64
	// leap is the cost of a step of an octave to it.
	leap float64
}

// pitchFrames finds the candidates of frames.
type pitchFrames struct {
	minLag, maxLag int
	minF0, maxF0   float64

	// correction is the inverse of the window's autocorrelation.
	correction []float64
	weights    []float64
	spectrum   *windowed
	cosines    *cosines
	kernels    kernels
	// power is the spectrum from 0 to half the sampling rate; 0 from pitchBins on.
	power []float64
	// mirrored is the autocorrelation from lag -sincHalf on, corr the same from 0 on.
	mirrored, corr []float64
	// energy is the sum of power, bins the sum of the weights of its bins.
	energy, bins float64
	// diff is the difference function, mean its mean up to each lag.
	diff, mean []float64
	// inverse has 1/lag.
	inverse []float64
	sinc    [sincPhases][sincTaps]float64
	topLog2 float64
	found   []candidate
}

func newPitchFrames(minF0, maxF0 float64, k kernels) *pitchFrames {
	const half = corrFFT/2 + 1
	// A quarter tone beyond both ends, so that notes exactly there are found.
	lo, hi := minF0/quarterTone, maxF0*quarterTone
	p := &pitchFrames{
		minLag: int(sampleRate / hi), maxLag: int(math.Ceil(sampleRate / lo)),
		minF0: lo, maxF0: hi,
		weights:  make([]float64, pitchBins),
		spectrum: newWindowed(hann(pitchFrame), pitchFFT, k), cosines: newCosines(corrFFT/2, k), kernels: k,
		power:   make([]float64, half),
		topLog2: math.Log2(hi), found: make([]candidate, 0, maxCandidates+1),
	}
	for k := range p.weights {
		f := float64(k) * halvedRate / pitchFFT
		x := min(max((f-lowPassFrom)/(lowPassTo-lowPassFrom), 0), 1)
		p.weights[k] = 0.5 + 0.5*math.Cos(math.Pi*x)
		p.bins += p.weights[k]
	}
	lags := p.lags()
	p.diff, p.mean, p.inverse = make([]float64, lags), make([]float64, lags), make([]float64, lags)
	for lag := 1; lag < lags; lag++ {
		p.inverse[lag] = 1 / float64(lag)
	}
	p.mirrored = make([]float64, sincHalf+lags+lags%2) // the transform gives pairs
	p.corr = p.mirrored[sincHalf:]
	p.correction = windowCorrection(hann(pitchFrame*sampleRate/halvedRate), lags)
	p.sinc = sincTable()
	return p
}

const quarterTone = 1.0293022366434921 // 2^(1/24)

// lags returns how many lags of the autocorrelation are needed: those of the search,
// and the reach of the interpolation beyond them.
func (p *pitchFrames) lags() int { return max(p.maxLag, maxRepeatLag) + sincHalf + 2 }

func windowCorrection(w []float64, lags int) []float64 {
	c := make([]float64, lags)
	energy := 0.0
	for _, v := range w {
		energy += v * v
	}
	for lag := range c {
		sum := 0.0
		for i := range len(w) - lag {
			sum += w[i] * w[i+lag]
		}
		c[lag] = energy / sum
	}
	return c
}

// candidates returns the candidates of a frame with this power spectrum and level, at
// most maxCandidates. The slice is valid until the next call.
func (p *pitchFrames) candidates(power []float64, level float64, noise *noiseFloor) []candidate {
	p.found = p.found[:0]
	if level < minLevel || !p.correlate(power, noise) {
		return p.found
	}
	p.difference()
	for lag := max(p.minLag, 2); lag <= p.maxLag; lag++ {
		if p.isMinimum(lag) {
			p.add(lag)
		}
	}
	p.finish()
	return p.found
}

// centreLevel returns the level in dBFS of the n samples in the middle of a frame.
func (k kernels) centreLevel(frame []float64, n int) float64 {
	from := (len(frame) - n) / 2
	middle := frame[from : from+n]
	return decibels(k.dot(middle, middle)/float64(n), -120)
}

// correlate fills corr with the normalized autocorrelation of what exceeds the noise,
// divided by that of the window (Boersma 1993). It returns false where nothing
// exceeds it.
func (p *pitchFrames) correlate(power []float64, noise *noiseFloor) bool {
	p.kernels.excess(p.power[:len(p.weights)], power, noise.floor, noise.weights)
	p.cosines.correlation(p.corr, p.power)
	if !(p.corr[0] > 1e-12) {
		return false
	}
	p.corr[0] += 2 * noise.returned
	p.energy = p.corr[0] / 2
	scale := 1 / p.corr[0]
	for lag := range p.correction {
		p.corr[lag] *= scale * p.correction[lag]
	}
	for i := range sincHalf {
		p.mirrored[i] = p.corr[sincHalf-i]
	}
	return true
}

// difference fills diff with 1 - corr and mean with its cumulative mean. Their quotient
// is YIN's normalized difference (de Cheveigné & Kawahara 2002, eq. 8).
func (p *pitchFrames) difference() {
	diff, mean := p.diff, p.mean[:len(p.diff)]
	corr, inverse := p.corr[:len(diff)], p.inverse[:len(diff)]
	for lag, c := range corr {
		diff[lag] = max(1-c, 0)
	}
	diff[0], mean[0] = 1, 1
	sum := 0.0
	for lag := 1; lag < len(diff)-1; lag += 2 {
		// Two at a time: a shorter chain of additions.
		a, b := sum+diff[lag], sum+(diff[lag]+diff[lag+1])
		mean[lag], mean[lag+1] = max(a*inverse[lag], 1e-9), max(b*inverse[lag+1], 1e-9)
		sum = b
	}
	if last := len(diff) - 1; last%2 == 1 {
		mean[last] = max((sum+diff[last])*inverse[last], 1e-9)
	}
}

// isMinimum reports whether the normalized difference has a minimum at lag that is deep
// enough. It multiplies instead of comparing quotients, since few lags are minima.
func (p *pitchFrames) isMinimum(lag int) bool {
	d, mean := p.diff[lag], p.mean[lag]
	return d < (1.2-minStrength)*mean && d*p.mean[lag-1] <= p.diff[lag-1]*mean && d*p.mean[lag+1] < p.diff[lag+1]*mean
}

// add refines the minimum at lag to a fraction of a sample and keeps it if it
// is among the best.
func (p *pitchFrames) add(lag int) {
	at, corr := p.repeat(p.refine(lag))
	strength := min(1-(1-corr)/p.mean[lag], 1)
	f0 := sampleRate / at
	if strength < minStrength || f0 < p.minF0 || f0 > p.maxF0 {
		return
	}
	octaves := p.topLog2 - math.Log2(f0)
	c := candidate{f0: f0, strength: strength}
	c.cost = 1 - strength + (octaveCost+noisyOctaveCost*(1-strength))*octaves
	i := len(p.found)
	if i == maxCandidates {
		if p.found[i-1].cost <= c.cost {
			return
		}
		i--
		p.found = p.found[:i]
	}
	p.found = append(p.found, c)
	for ; i > 0 && p.found[i-1].cost > c.cost; i-- {
		p.found[i], p.found[i-1] = p.found[i-1], p.found[i]
	}
}

// finish refines the frequencies of the candidates. Their costs so far only compare
// them with one another; it shifts them so that the best costs 1 - strength, or low
// voices would be taken for unvoiced more easily.
func (p *pitchFrames) finish() {
	if len(p.found) == 0 {
		return
	}
	excess := p.found[0].cost - (1 - p.found[0].strength)
	for i := range p.found {
		c := &p.found[i]
		c.cost -= excess
		if c.strength < clearStrength && c.f0 > resolvedFrom {
			c.f0 = p.harmonics(c.f0, c.strength)
		}
		c.log2 = math.Log2(c.f0)
		c.leap = jumpCost + noisyJumpCost*(1-c.strength)
	}
}

// voicing returns the probability that a frame of this periodicity is voiced.
func voicing(strength float64) float64 {
	return 1 / (1 + math.Exp((voicingThreshold-strength)/voicingSlope))
}
