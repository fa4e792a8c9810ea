package analysis

import "math"

// harmonics refines f0 by the spectrum's peaks at its multiples, weighted by least
// squares. In noise they are more exact than the autocorrelation's peak, which all of
// the noise affects.
func (p *pitchFrames) harmonics(f0, strength float64) float64 {
	const bin = float64(halvedRate) / pitchFFT
	noise := (1 - strength) * p.energy / p.bins
	sum, weight := 0.0, 0.0
	for h := 1.0; h <= maxHarmonics && h*f0 < lowPassTo-bin; h++ {
		k := int(h*f0/bin + 0.5)
		if p.power[k+1] > p.power[k] {
			k++
		} else if p.power[k-1] > p.power[k] {
			k--
		}
		before, y, after := p.power[k-1], p.power[k], p.power[k+1]
		above := y - clearOfNoise*noise
		if above <= 0 || y <= before || y < after || before <= 0 || after <= 0 {
			continue
		}
		shift, _ := parabola(math.Log(before), math.Log(y), math.Log(after))
		sum += above * h * (float64(k) + shift) * bin
		weight += above * h * h
	}
	if weight == 0 {
		return f0
	}
	sharp := sum / weight
	if math.Abs(sharp-f0) > 0.06*f0 || sharp < p.minF0 || sharp > p.maxF0 {
		return f0
	}
	return sharp
}

// repeat follows a period to its multiples, where a true period recurs and a chance
// similarity does not. The k-th multiple gives the period k times as exactly. It
// returns the period by all of them, and the best mean correlation of the first few,
// which reach at least to provenLag.
func (p *pitchFrames) repeat(at, corr float64) (period, mean float64) {
	period, mean = at, corr
	best := -1.0
	if at >= provenLag {
		best = corr
	}
	sum, weight := at, 1.0
	for k := 2; k <= maxRepeats; k++ {
		lag := int(float64(k)*period + 0.5)
		if lag > maxRepeatLag {
			break
		}
		if p.corr[lag+1] > p.corr[lag] {
			lag++
		} else if p.corr[lag-1] > p.corr[lag] {
			lag--
		}
		shift, peak := parabola(p.corr[lag-1], p.corr[lag], p.corr[lag+1])
		mean += (peak - mean) / float64(k)
		if float64(lag) >= provenLag {
			best = max(best, mean)
		}
		if peak > 0.7*corr && p.corr[lag] >= p.corr[lag-1] && p.corr[lag] >= p.corr[lag+1] {
			w := float64(k * k)
			sum += w * (float64(lag) + shift) / float64(k)
			weight += w
			period = sum / weight
		}
	}
	return period, best
}

// The autocorrelation is band-limited, so sinc interpolation gives its values between
// two lags. Without it the peak of a short period would be missed, and twice that
// period, nearer to a whole lag, would win.
const (
	sincPhases = 4
	sincHalf   = 10
	sincTaps   = 2 * sincHalf
)

func sincTable() (t [sincPhases][sincTaps]float64) {
	for phase := range t {
		for i := range t[phase] {
			d := float64(i-sincHalf+1) - float64(phase)/sincPhases
			t[phase][i] = sinc(d) * kaiser(d/(sincHalf+0.5), 6)
		}
	}
	return t
}

// between returns the autocorrelation at lag quarter/4.
func (p *pitchFrames) between(quarter int) float64 {
	lag, phase := quarter/sincPhases, quarter%sincPhases
	if phase == 0 {
		return p.corr[lag]
	}
	// mirrored has lag at lag + sincHalf.
	return p.kernels.interpolate(&p.sinc[phase], (*[sincTaps]float64)(p.mirrored[lag+1:]))
}

// refine finds the peak of the autocorrelation around lag: the best quarter of a lag,
// then a parabola through it and its neighbours.
func (p *pitchFrames) refine(lag int) (at, corr float64) {
	best := lag * sincPhases
	y := p.between(best)
	before, after := p.between(best-1), p.between(best+1)
	step := 1
	if before > after {
		step = -1
	}
	for range sincPhases {
		next := p.between(best + step)
		if next <= y {
			break
		}
		best, y = best+step, next
	}
	before, after = p.between(best-1), p.between(best+1)
	shift, peak := parabola(before, y, after)
	return (float64(best) + shift) / sincPhases, peak
}

// parabola fits a parabola through three equidistant points. It returns the position of
// the extremum, at most half a step from the middle point, and its value.
func parabola(before, y, after float64) (shift, peak float64) {
	bend := before - 2*y + after
	if bend == 0 {
		return 0, y
	}
	shift = min(max(0.5*(before-after)/bend, -0.5), 0.5)
	return shift, y - 0.25*(before-after)*shift
}
