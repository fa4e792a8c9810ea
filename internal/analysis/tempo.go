package analysis

import (
	"math"

	"orak"
)

// Tempo: an onset strength (the rise of the mel spectrum, Böck & Widmer's SuperFlux
// 2013), its autocorrelation over the whole recording, and the period in it that a
// listener would tap, with the log-Gaussian prior of Ellis (2007).
const (
	framesPerMinute = 60 * 100
	slowest         = 40.0 // BPM
	shortestBeat    = 27   // frames: 222 BPM
	likeliest       = 120.0
	likelihoodWidth = 1.0 // octaves, one standard deviation

	// tempoLags covers 4 periods of the slowest tempo.
	tempoLags = 4*framesPerMinute/slowest + 8
	// fluxReach is how many frames back the spectrum is compared with.
	fluxReach = 2
	// fluxFloor is the rise in dB, mean of the bands, that noise and vibrato do not
	// exceed.
	fluxFloor = 1.0
	// meanReach is how many frames on either side make the local mean that an onset
	// must exceed.
	meanReach = 30
	// onsetPeak is the least height of an onset above that mean, in dB.
	onsetPeak = 2.0
	// leastBeats is the least number of beats of a tempo, and leastTempo the
	// confidence below which there is none.
	leastBeats = 4
	sureBeats  = 10 // from so many on, their number does not lower the confidence
	leastTempo = 0.12
	// accent is the exponent of the amplitude in an onset's weight: beats are louder,
	// and not only louder than what was before.
	accent = 0.75
	// bandFloor is the lower bound of the spectrum, so that the noise of a silence has
	// no onsets.
	bandFloor = -75.0
)

// tempoMeter collects the autocorrelation of the onsets. Its memory is fixed.
type tempoMeter struct {
	past [fluxReach][melBands]float64
	n    int64
	// rises has the onset strengths around the next one, in dB, and weights the
	// loudness of their frames; sum is the sum of rises.
	rises, weights [2*meanReach + 1]float64
	sum            float64
	// peaks has the last strengths, the middle one of which is an onset if it is the
	// highest; recent has them weighted, to be smoothed before they are correlated,
	// since beats are not exact to a hundredth of a second.
	peaks, recent [5]float64
	ring          [tempoLags]float64
	corr          [tempoLags]float64
	rated         int64
	onsets        int64
}

func newTempoMeter() *tempoMeter { return &tempoMeter{} }

func (t *tempoMeter) frame(mel *[melBands]float64) {
	last := &t.past[t.n%fluxReach]
	rise, top := 0.0, bandFloor
	for b := range mel {
		v := max(mel[b], bandFloor)
		top = max(top, v)
		if t.n >= fluxReach {
			// Compared with the neighbours, too: a partial that wavers between bands is
			// no onset.
			before := last[b]
			if b > 0 {
				before = max(before, last[b-1])
			}
			if b < melBands-1 {
				before = max(before, last[b+1])
			}
			rise += max(v-before, 0)
		}
	}
	for b := range mel {
		last[b] = max(mel[b], bandFloor)
	}
	t.strength(max(rise/melBands-fluxFloor, 0), math.Pow(10, accent*top/20))
}

// strength adds the next onset strength and correlates the one whose local mean is now
// complete.
func (t *tempoMeter) strength(rise, weight float64) {
	const width = 2*meanReach + 1
	at := int(t.n % width)
	t.n++
	t.sum += rise - t.rises[at]
	t.rises[at], t.weights[at] = rise, weight
	middle := (at + width - meanReach) % width
	above := max(t.rises[middle]-max(t.sum, 0)/width, 0)
	t.count(above)
	t.correlate(above * t.weights[middle])
}

func (t *tempoMeter) count(above float64) {
	p := &t.peaks
	copy(p[:], p[1:])
	p[4] = above
	if p[2] >= onsetPeak && p[2] > p[1] && p[2] > p[0] && p[2] >= p[3] && p[2] >= p[4] {
		t.onsets++
	}
}

func (t *tempoMeter) correlate(strength float64) {
	r := &t.recent
	copy(r[:], r[1:])
	r[4] = strength
	soft := (r[0] + r[4] + 4*(r[1]+r[3]) + 6*r[2]) / 16
	at := int(t.rated % tempoLags)
	t.ring[at] = soft
	t.rated++
	if soft == 0 {
		return
	}
	for lag := 0; lag <= at; lag++ {
		t.corr[lag] += soft * t.ring[at-lag]
	}
	for lag := at + 1; lag < tempoLags; lag++ {
		t.corr[lag] += soft * t.ring[at-lag+tempoLags]
	}
}

// result ends the measurement; rate is the number of onsets per second.
func (t *tempoMeter) result() (tempo orak.Tempo, rate float64) {
	frames := t.n
	for range meanReach + 2 {
		t.strength(0, 0)
	}
	if frames > 0 {
		rate = float64(t.onsets) / (float64(frames) * hopS)
	}
	return t.beat(), rate
}

// beat returns the tempo once everything is correlated.
func (t *tempoMeter) beat() orak.Tempo {
	if t.onsets < leastBeats || t.corr[0] <= 0 {
		return orak.Tempo{}
	}
	curve := t.normalized()
	period, score := bestPeriod(curve)
	if period == 0 {
		return orak.Tempo{}
	}
	confidence := min(max(curve.near(period), 0), 1)
	beats := float64(t.n) / period
	confidence *= min(beats/sureBeats, 1)
	if score <= 0 || confidence < leastTempo || beats < leastBeats {
		return orak.Tempo{}
	}
	return orak.Tempo{BPM: framesPerMinute / curve.sharpen(period), Confidence: confidence}
}

// tempoCurve is the autocorrelation of the onsets, 1 at lag 0 and 0 for random
// onsets.
type tempoCurve []float64

// normalized corrects for the length (a long lag has fewer pairs) and subtracts the
// value of random onsets.
func (t *tempoMeter) normalized() tempoCurve {
	n := float64(t.n)
	c := make(tempoCurve, 0, tempoLags)
	zero := t.corr[0] / n
	for lag, v := range t.corr {
		if pairs := n - float64(lag); pairs > n/4 {
			c = append(c, v/pairs/zero)
		}
	}
	mean := 0.0
	for _, v := range c {
		mean += v / float64(len(c))
	}
	for i := range c {
		c[i] = (c[i] - mean) / max(1-mean, 1e-9)
	}
	return c
}

// near returns the curve's value at a lag, interpolated; 0 beyond its end.
func (c tempoCurve) near(lag float64) float64 {
	i := int(lag)
	if i < 0 || i+1 >= len(c) {
		return 0
	}
	f := lag - float64(i)
	return c[i]*(1-f) + c[i+1]*f
}

// bestPeriod returns the local maximum of the curve that is the likeliest beat, in
// frames; 0 if there is none.
func bestPeriod(c tempoCurve) (period, score float64) {
	const longest = framesPerMinute / slowest
	for lag := shortestBeat; lag <= longest && lag+1 < len(c); lag++ {
		if c[lag] <= c[lag-1] || c[lag] < c[lag+1] {
			continue
		}
		shift, peak := parabola(c[lag-1], c[lag], c[lag+1])
		at := float64(lag) + shift
		if s := beatScore(c, at, peak); s > score {
			period, score = at, s
		}
	}
	return period, score
}

// beatScore rates a period: by its strength, there and at its double, by its prior, and
// lower if a half or a third of it explains the onsets as well, since that is then the
// beat.
func beatScore(c tempoCurve, period, peak float64) float64 {
	octaves := math.Log2(framesPerMinute / period / likeliest)
	prior := math.Exp(-0.5 * octaves * octaves / (likelihoodWidth * likelihoodWidth))
	strength := 0.75*peak + 0.25*c.near(2*period)
	inner := 0.0
	for _, parts := range []float64{2, 3} {
		if part := period / parts; part >= shortestBeat {
			inner = max(inner, min(c.near(part)/max(peak, 1e-9), 1))
		}
	}
	return prior * strength * (1 - 0.8*inner*inner)
}

// sharpen refines the period at its multiples, where the same error in frames is a
// smaller error in tempo.
func (c tempoCurve) sharpen(period float64) float64 {
	for _, times := range []float64{1, 2, 4} {
		lag := int(math.Round(times * period))
		best := 0
		for l := max(lag-2, 1); l <= lag+2 && l+1 < len(c); l++ {
			if c[l] > c[l-1] && c[l] >= c[l+1] && (best == 0 || c[l] > c[best]) {
				best = l
			}
		}
		if best == 0 || c[best] < 0.5*c.near(period) {
			break
		}
		shift, _ := parabola(c[best-1], c[best], c[best+1])
		period = (float64(best) + shift) / times
	}
	return period
}
