package analysis

import "math"

const (
	// trackLag is how many later frames a decision waits for: 1.5 s, longer than any
	// ambiguity lasts in practice. The ring has room for trackBatch more, so that the
	// path is traced back once for so many frames.
	trackLag   = 150
	trackBatch = 50
	trackRing  = trackLag + trackBatch
	// unvoicedCost is the cost of an unvoiced frame, compared with the best
	// candidate's 1 - strength. It is more than a half, since neighbours that agree on
	// a pitch are evidence, too.
	unvoicedCost = 0.67
	// switchCost is the cost of a change between voiced and unvoiced: as much as a weak
	// voice gains in ten frames; chance patterns in noise are shorter.
	switchCost = 0.8
	// jumpCost is the cost of a leap of an octave. A change of note pays it once, a
	// stray frame twice. noisyJumpCost × (1 - strength) is added, since strays are
	// frequent in noise; it must be less than an octave costs in the frames of a short
	// note (noisyOctaveCost).
	jumpCost      = 0.35
	noisyJumpCost = 1.0
)

// unvoiced is the state besides the candidates.
const unvoiced = maxCandidates

// trackFrame is one frame in the ring.
type trackFrame struct {
	n          int
	candidates [maxCandidates]candidate
	// from is the best previous state, cost that of the best path here.
	from [maxCandidates + 1]uint8
	cost [maxCandidates + 1]float64
}

// tracker finds the cheapest path through the candidates of all frames (Viterbi). It
// decides each frame trackLag frames later, so that its memory does not grow with the
// recording.
type tracker struct {
	ring [trackRing]trackFrame
	// pushed and decided count frames.
	pushed, decided int
	path            [trackRing]uint8
	// emit gets every frame in order: f0, 0 if unvoiced, and the periodicity of the
	// chosen candidate, or of the best one if unvoiced.
	emit func(f0, strength float64)
}

func (t *tracker) push(found []candidate) {
	now := &t.ring[t.pushed%trackRing]
	now.n = copy(now.candidates[:], found)
	if t.pushed == 0 {
		t.first(now)
	} else {
		t.step(&t.ring[(t.pushed-1)%trackRing], now)
	}
	t.pushed++
	if t.pushed-t.decided == trackRing {
		t.decide(t.pushed - trackLag)
	}
}

func (t *tracker) first(now *trackFrame) {
	now.cost[unvoiced] = unvoicedCost
	for i := range now.n {
		now.cost[i] = now.candidates[i].cost
	}
}

func (t *tracker) step(last, now *trackFrame) {
	best, from := last.cost[unvoiced], uint8(unvoiced)
	fromVoiced, via := math.Inf(1), uint8(unvoiced)
	for j := range last.n {
		if last.cost[j] < fromVoiced {
			fromVoiced, via = last.cost[j], uint8(j)
		}
	}
	if fromVoiced+switchCost < best {
		best, from = fromVoiced+switchCost, via
	}
	now.cost[unvoiced], now.from[unvoiced] = best+unvoicedCost, from
	lowest := now.cost[unvoiced]
	for i := range now.n {
		c := &now.candidates[i]
		best, from := last.cost[unvoiced]+switchCost, uint8(unvoiced)
		for j := range last.n {
			cost := last.cost[j] + c.leap*math.Abs(c.log2-last.candidates[j].log2)
			if cost < best {
				best, from = cost, uint8(j)
			}
		}
		now.cost[i], now.from[i] = best+c.cost, from
		lowest = min(lowest, now.cost[i])
	}
	// Only differences matter: small costs stay exact for hours.
	now.cost[unvoiced] -= lowest
	for i := range now.n {
		now.cost[i] -= lowest
	}
}

// decide emits the frames up to but not including until, on the best path from the last
// frame.
func (t *tracker) decide(until int) {
	last := &t.ring[(t.pushed-1)%trackRing]
	state := uint8(unvoiced)
	for i := range last.n {
		if last.cost[i] < last.cost[state] {
			state = uint8(i)
		}
	}
	for k := t.pushed - 1; k >= t.decided; k-- {
		t.path[k%trackRing] = state
		state = t.ring[k%trackRing].from[state]
	}
	for ; t.decided < until; t.decided++ {
		f := &t.ring[t.decided%trackRing]
		state := t.path[t.decided%trackRing]
		switch {
		case state != unvoiced:
			t.emit(f.candidates[state].f0, f.candidates[state].strength)
		case f.n > 0:
			t.emit(0, f.candidates[0].strength)
		default:
			t.emit(0, 0)
		}
	}
}

// flush decides the remaining frames.
func (t *tracker) flush() {
	if t.pushed > t.decided {
		t.decide(t.pushed)
	}
}
