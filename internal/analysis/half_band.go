package analysis

// Pitch and key need only frequencies below 4 kHz, and so half of the samples: their
// transforms take less than half of the time.
const (
	halvedRate = sampleRate / 2
	// halverReach is how many odd samples on either side contribute to one: 39 taps
	// in total, a half-band filter (Mintzer 1982) with a Kaiser window, flat to
	// 3 kHz, 60 dB down from 5 kHz on. Aliases of the range in between lie above the
	// frequency at which the pitch's spectrum fades out.
	halverReach = 10
)

// halver halves the sampling rate of a stream, with a low-pass filter.
type halver struct {
	kernels kernels
	// taps are those of the odd places, from the middle outwards; of the even ones
	// only the middle is not 0, but a half.
	taps [halverReach]float64
	// even and odd have the samples that are still needed; odd begins halverReach
	// samples before even.
	even, odd []float64
	out       []float64
	// pushed and given count input and output samples.
	pushed, given int64
}

func newHalver(k kernels) *halver {
	h := &halver{kernels: k, odd: make([]float64, halverReach)}
	sum := 0.0
	for i := range h.taps {
		d := float64(2*i + 1)
		h.taps[i] = sinc(d/2) / 2 * kaiser(d/(2*halverReach), 5.65)
		sum += 2 * h.taps[i]
	}
	for i := range h.taps {
		h.taps[i] *= 0.5 / sum
	}
	return h
}

// push adds samples and returns those that they complete, valid until the next call.
func (h *halver) push(x []float64) []float64 {
	for _, v := range x {
		if h.pushed%2 == 0 {
			h.even = append(h.even, v)
		} else {
			h.odd = append(h.odd, v)
		}
		h.pushed++
	}
	return h.give(min(len(h.even), len(h.odd)-2*halverReach+1))
}

// flush returns the rest, with zeros after the end.
func (h *halver) flush() []float64 {
	left := (h.pushed+1)/2 - h.given
	h.odd = append(h.odd, make([]float64, 2*halverReach)...)
	return h.give(int(left))
}

func (h *halver) give(n int) []float64 {
	if n <= 0 {
		return nil
	}
	if cap(h.out) < n {
		h.out = make([]float64, n)
	}
	out := h.out[:n]
	h.kernels.halve(out, h.even, h.odd, &h.taps)
	h.even = h.even[:copy(h.even, h.even[n:])]
	h.odd = h.odd[:copy(h.odd, h.odd[n:])]
	h.given += int64(n)
	return out
}
