package analysis

import "math"

// The noise of a recording is estimated from the pitch's power spectra and
// taken out of them before they are correlated.
//
// Within a spectrum, a low quantile of neighbouring bins is the noise between
// the harmonics: a line, however long it is held, fills a few bins of a band
// and does not raise it. Over time, a low quantile of these is the noise
// between the notes (compare Stahl, Fischer & Bippus, ICASSP 2000). Both are
// converted to the mean power by a factor that holds for Gaussian noise.
//
// A spectrum keeps what exceeds the floor, oversubtracted (Berouti, Schwartz &
// Makhoul, ICASSP 1979), and bins of much noise count less than others. What
// chance leaves of the noise is narrow, and so repeats itself: a share of what
// was taken out is put back as a noise without memory, at lag 0.
const (
	// lookFrame is the frame of the spectra that the estimate is taken from, in
	// samples: 128 ms, so that the harmonics of the lowest voice lie apart.
	lookFrame = 0.128 * halvedRate
	// shorter is the power of noise in the pitch's frames, compared with these.
	shorter = float64(pitchFrame) / lookFrame
	// lookEvery is the distance of two such frames: 80 ms. The last looks of them
	// make the estimate: 2 s.
	lookEvery = 0.08 * halvedRate
	looks     = 25
	// lookAhead is how many frames the pitch follows behind the estimate.
	lookAhead = 64
	// renewEvery is how many frames an estimate serves for.
	renewEvery = 16
	// bandQuantile and timeQuantile are the quantiles, gaussian is how much
	// less than the mean of Gaussian noise they are, both together.
	bandQuantile = 0.3
	timeQuantile = 0.3
	gaussian     = 3.74
	// leak is how much of a band's power lies between clean harmonics, by the
	// window's side lobes and the pitch's movements.
	leak = 0.03
	// oversubtraction is by how much the floor is raised: the power of noise
	// exceeds its mean for a third of the time.
	oversubtraction = 2.75
	// putBack is the share of the noise that returns at lag 0.
	putBack = 0.24
	// whitened is the noise, as a share of the recording's mean power, from which
	// on a bin counts less, in proportion to the root of its noise.
	whitened = 0.05
	// noisyFrom and noisyTo are shares of noise between which a spectrum comes to
	// be averaged with those averageReach frames away; each counts sideWeight.
	noisyFrom, noisyTo = 0.02, 0.22
	averageReach       = 2
	sideWeight         = 0.25
)

// noiseFloor is the estimate at one time. Its memory is bounded.
type noiseFloor struct {
	kernels  kernels
	spectrum *windowed
	power    []float64
	// edges are where bands begin, and where the last one ends.
	edges []int
	// lowPass are the bins' weights without noise.
	lowPass []float64
	// levels are the quantiles of each band, powers the sums of the spectra: a
	// ring of looks.
	levels, powers [][looks]float64
	looked         int
	// floor is what is taken out of each bin, weights what the rest counts,
	// returned the power that comes back at lag 0.
	floor, weights []float64
	returned       float64
	// side is the weight of the spectra before and after.
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

// bandEdges are 60 Hz apart where noise falls steeply with frequency, and
// further up as far as the harmonics of a high voice.
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

// look takes a frame into the estimate. Silence, which a converter or a phone
// may have put in, is no noise.
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

// quantile is a value that a share q of the values does not exceed.
func (f *noiseFloor) quantile(values []float64, q float64) float64 {
	chosen := f.chosen[:copy(f.chosen, values)]
	return nth(chosen, int(q*float64(len(chosen)-1)+0.5))
}

// nth is the value that sorting would put at k; it reorders x (Hoare's FIND,
// CACM 4, 1961).
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

// means fills bandMean from n looks, and gives the mean power of a bin.
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

// renew makes the estimate from the last looks.
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

// spread fills the bins from the bands, from middle to middle linearly, and
// gives the power of the noise.
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

// spectra are the power spectra of the last frames, and what noise is in them.
// The pitch is looked for lookAhead frames late, so that the estimate knows
// what comes.
type spectra struct {
	kernels  kernels
	noise    *noiseFloor
	ring     [lookAhead + averageReach + 1]frameSpectrum
	averaged []float64
	// taken and given count frames.
	taken, given int
}

// frameSpectrum is a frame's power spectrum, and its level in dBFS.
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

// take adds a frame, of which fill makes the spectrum.
func (s *spectra) take(level float64, fill func(power []float64)) {
	now := s.at(s.taken)
	now.level = level
	fill(now.power)
	s.taken++
}

// due reports whether there is a frame to give: one that lies far enough back,
// or any where no more will come.
func (s *spectra) due(last bool) bool {
	return s.given < s.taken && (last || s.taken-s.given > lookAhead)
}

// give is the next frame's spectrum, averaged where it is noisy; until the next
// call.
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
