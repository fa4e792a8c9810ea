package analysis

import "math"

// The noise of a recording is estimated from the pitch's power spectra and subtracted
// from them before they are correlated.
//
// Within a spectrum, a low quantile of neighbouring bins is the noise between the
// harmonics: a steady tone fills a few bins of a band and does not raise it. Over
// time, a low quantile of these is the noise between the notes (compare Stahl,
// Fischer & Bippus, ICASSP 2000). A factor for Gaussian noise converts both to the
// mean power.
//
// The floor is oversubtracted (Berouti, Schwartz & Makhoul, ICASSP 1979), and noisy
// bins have less weight. The residue of the noise is narrow, and so periodic: a share
// of the subtracted power is added back as white noise, at lag 0.
const (
	// lookFrame is the frame of the spectra for the estimate, in samples: 128 ms, so
	// that the harmonics of the lowest voice are separate.
	lookFrame = 0.128 * halvedRate
	// shorter is the power of noise in the pitch's frames relative to these.
	shorter = float64(pitchFrame) / lookFrame
	// lookEvery is the distance of two such frames: 80 ms. The estimate uses the last
	// looks of them: 2 s.
	lookEvery = 0.08 * halvedRate
	looks     = 25
	// lookAhead is how many frames the pitch follows behind the estimate.
	lookAhead = 64
	// renewEvery is how many frames use the same estimate.
	renewEvery = 16
	// bandQuantile and timeQuantile are the quantiles; gaussian is the factor from
	// both to the mean of Gaussian noise.
	bandQuantile = 0.3
	timeQuantile = 0.3
	gaussian     = 3.74
	// leak is the share of a band's power between clean harmonics, from the window's
	// side lobes and the movement of the pitch.
	leak = 0.03
	// oversubtraction is the factor by which the floor is raised: the power of noise
	// exceeds its mean for a third of the time.
	oversubtraction = 2.75
	// putBack is the share of the noise that is added back at lag 0.
	putBack = 0.24
	// whitened is the noise, as a share of the recording's mean power, above which the
	// weight of a bin falls with the root of its noise.
	whitened = 0.05
	// noisyFrom and noisyTo are the shares of noise between which the averaging of a
	// spectrum with those averageReach frames before and after sets in; each of them
	// has the weight sideWeight at most.
	noisyFrom, noisyTo = 0.02, 0.22
	averageReach       = 2
	sideWeight         = 0.25
)

// noiseFloor is the current estimate. Its memory is bounded.
type noiseFloor struct {
	kernels  kernels
	spectrum *windowed
	power    []float64
	// edges has the first bin of each band, and the end of the last one.
	edges []int
	// lowPass has the weights of the bins without noise.
	lowPass []float64
	// levels has the quantiles of each band, powers the sums of its bins, each for
	// the last looks.
	levels, powers [][looks]float64
	looked         int
	// floor is subtracted from each bin, the rest is multiplied by weights, and
	// returned is the power that is added back at lag 0.
	floor, weights []float64
	returned       float64
	// side is the weight of the spectra before and after in the average.
	side                            float64
	chosen                          []float64
	bandMean, bandNoise, bandWeight []float64
}

func newNoiseFloor(lowPass []float64, k kernels) *noiseFloor {
	bins := len(lowPass)
	f := &noiseFloor{
		kernels: k, spectrum: newWindowed(hann(lookFrame), pitchFFT, k), power: make([]float64, bins),
		lowPass: lowPass, edges: bandEdges(bins), chosen: make([]float64, max(bins, looks)),
		floor: make([]float64, bins), weights: make([]float64, bins),
	}
	bands := len(f.edges) - 1
	f.levels, f.powers = make([][looks]float64, bands), make([][looks]float64, bands)
	f.bandMean, f.bandNoise, f.bandWeight = make([]float64, bands), make([]float64, bands), make([]float64, bands)
	return f
}

// bandEdges returns edges 60 Hz apart where noise falls steeply with frequency, and
// at higher frequencies as far apart as the harmonics of a high voice.
func bandEdges(bins int) (edges []int) {
	for at := 2; at < bins; {
		edges = append(edges, at)
		switch {
		case at <= 24:
			at += 8
		case at <= 96:
			at += 32
		default:
			at += 64
		}
	}
	return append(edges, bins)
}

// look adds a frame to the estimate. Digital silence, which a converter or a phone may
// have inserted, is not noise.
func (f *noiseFloor) look(frame []float64) {
	if f.kernels.centreLevel(frame, lookFrame) < minLevel {
		return
	}
	f.spectrum.spectrum(f.power, frame)
	at := f.looked % looks
	for b := range f.levels {
		band := f.power[f.edges[b]:f.edges[b+1]]
		f.levels[b][at] = shorter * f.quantile(band, bandQuantile)
		f.powers[b][at] = 0
		for _, v := range band {
			f.powers[b][at] += shorter * v
		}
	}
	f.looked++
}

// quantile returns a value that a share q of the values does not exceed.
func (f *noiseFloor) quantile(values []float64, q float64) float64 {
	chosen := f.chosen[:copy(f.chosen, values)]
	return nth(chosen, int(q*float64(len(chosen)-1)+0.5))
}

// nth returns the value that sorting would put at k. It reorders x (Hoare's FIND, CACM
// 4, 1961).
func nth(x []float64, k int) float64 {
	for low, high := 0, len(x)-1; low < high; {
		pivot, i, j := x[k], low, high
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for pivot < x[j] {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i, j = i+1, j-1
			}
		}
		if j < k {
			low = i
		}
		if k < i {
			high = j
		}
	}
	return x[k]
}

// means fills bandMean from n looks and returns the mean power of a bin.
func (f *noiseFloor) means(n int) float64 {
	total := 0.0
	for b := range f.powers {
		sum := 0.0
		for _, v := range f.powers[b][:n] {
			sum += v / float64(n)
		}
		total += sum
		f.bandMean[b] = sum / float64(f.edges[b+1]-f.edges[b])
	}
	return total / float64(len(f.floor))
}

// renew updates the estimate from the last looks.
func (f *noiseFloor) renew() {
	n := min(f.looked, looks)
	mean := max(f.means(n), leastPower)
	for b := range f.levels {
		around := (f.bandMean[max(b-1, 0)] + 2*f.bandMean[b] + f.bandMean[min(b+1, len(f.bandMean)-1)]) / 4
		noise := gaussian * max(f.quantile(f.levels[b][:n], timeQuantile)-leak*around, 0)
		f.bandNoise[b], f.bandWeight[b] = noise, 1/math.Sqrt(noise/mean+whitened)
	}
	total := f.spread()
	f.side = sideWeight * min(max((total/(mean*float64(len(f.floor)))-noisyFrom)/(noisyTo-noisyFrom), 0), 1)
}

// spread interpolates the bins linearly between the middles of the bands and returns
// the power of the noise.
func (f *noiseFloor) spread() (total float64) {
	middle := func(b int) float64 { return float64(f.edges[b]+f.edges[b+1]) / 2 }
	f.returned = 0
	for k, b := 0, 0; k < len(f.floor); k++ {
		for b+2 < len(f.levels) && float64(k) > middle(b+1) {
			b++
		}
		x := min(max((float64(k)-middle(b))/(middle(b+1)-middle(b)), 0), 1)
		noise := f.bandNoise[b] + x*(f.bandNoise[b+1]-f.bandNoise[b])
		f.weights[k] = f.lowPass[k] * (f.bandWeight[b] + x*(f.bandWeight[b+1]-f.bandWeight[b]))
		f.floor[k] = oversubtraction * noise
		f.returned += putBack * noise * f.weights[k]
		total += noise
	}
	return total
}

// spectra has the power spectra of the last frames and the noise in them. The pitch is
// searched lookAhead frames later, so that the estimate includes what follows.
type spectra struct {
	kernels  kernels
	noise    *noiseFloor
	ring     [lookAhead + averageReach + 1]frameSpectrum
	averaged []float64
	// taken and given count frames.
	taken, given int
}

// frameSpectrum is the power spectrum of a frame and its level in dBFS.
type frameSpectrum struct {
	power []float64
	level float64
}

func newSpectra(lowPass []float64, k kernels) *spectra {
	s := &spectra{kernels: k, noise: newNoiseFloor(lowPass, k), averaged: make([]float64, len(lowPass))}
	for i := range s.ring {
		s.ring[i].power = make([]float64, len(lowPass))
	}
	return s
}

func (s *spectra) at(frame int) *frameSpectrum { return &s.ring[frame%len(s.ring)] }

// take adds a frame, whose spectrum fill computes.
func (s *spectra) take(level float64, fill func(power []float64)) {
	now := s.at(s.taken)
	now.level = level
	fill(now.power)
	s.taken++
}

// due reports whether give has a frame to return: one that is old enough, or any after
// the last frame.
func (s *spectra) due(last bool) bool {
	return s.given < s.taken && (last || s.taken-s.given > lookAhead)
}

// give returns the next frame's spectrum, averaged where it is noisy. It is valid until
// the next call.
func (s *spectra) give() (power []float64, level float64) {
	if s.given%renewEvery == 0 && s.noise.looked > 0 {
		s.noise.renew()
	}
	now := s.at(s.given)
	power = now.power
	if side := s.noise.side; side > 0 {
		before, after := s.at(max(s.given-averageReach, 0)), s.at(min(s.given+averageReach, s.taken-1))
		s.kernels.average(s.averaged, power, before.power, after.power, side)
		power = s.averaged
	}
	s.given++
	return power, now.level
}
