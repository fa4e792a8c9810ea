package analysis

import (
	"slices"

	"orak"
)

// quietest is how far below the loud voiced frames (their 95th percentile) a frame may
// be and still be the voice, in dB. Softer sounds are hum or reverberation.
const quietest = 45

// pitchTrack collects the curve. Only its memory grows with the recording: 9 bytes a
// frame.
type pitchTrack struct {
	frames  *framer
	spectra *spectra
	// looks cuts the frames for the estimate of noise.
	looks   *framer
	finder  *pitchFrames
	tracker tracker
	curve   orak.PitchCurve
	// levels has the level of each frame in dBFS.
	levels []int8
}

func newPitchTrack(cfg Config, k kernels) *pitchTrack {
	t := &pitchTrack{
		frames: newFramer(pitchFrame, hop/2), looks: newFramer(lookFrame, lookEvery),
		finder: newPitchFrames(cfg.MinF0Hz, cfg.MaxF0Hz, k),
		curve:  orak.PitchCurve{HopS: hopS, F0Hz: []float32{}, Voicing: []float32{}},
	}
	t.spectra = newSpectra(t.finder.weights, k)
	t.tracker.emit = func(f0, strength float64) {
		t.curve.F0Hz = append(t.curve.F0Hz, float32(f0))
		t.curve.Voicing = append(t.curve.Voicing, float32(voicing(strength)))
	}
	return t
}

// push adds samples at half of the rate.
func (t *pitchTrack) push(x []float64) {
	t.looks.push(x, t.spectra.noise.look)
	t.frames.push(x, t.frame)
}

func (t *pitchTrack) frame(frame []float64) {
	t.spectra.take(t.finder.kernels.centreLevel(frame, centre*halvedRate), func(power []float64) {
		t.finder.spectrum.spectrum(power, frame)
	})
	t.find(false)
}

// find searches the pitch of the frames that are due.
func (t *pitchTrack) find(last bool) {
	for t.spectra.due(last) {
		power, level := t.spectra.give()
		t.levels = append(t.levels, int8(level))
		t.tracker.push(t.finder.candidates(power, level, t.spectra.noise))
	}
}

// result ends the curve and summarizes it.
func (t *pitchTrack) result() (orak.Pitch, orak.PitchCurve) {
	t.looks.flush(t.spectra.noise.look)
	t.frames.flush(t.frame)
	t.find(true)
	t.tracker.flush()
	t.dropFaint()
	return Summarize(t.curve), t.curve
}

func (t *pitchTrack) dropFaint() {
	var counts [256]int
	voiced := 0
	for i, f0 := range t.curve.F0Hz {
		if f0 > 0 {
			counts[int(t.levels[i])+128]++
			voiced++
		}
	}
	loud, above := 127, 0
	for l := 127; l >= -128 && above*20 <= voiced; l-- {
		above += counts[l+128]
		loud = l
	}
	for i := range t.curve.F0Hz {
		if int(t.levels[i]) < loud-quietest {
			t.curve.F0Hz[i], t.curve.Voicing[i] = 0, 0
		}
	}
}

// Summarize summarizes a curve of any engine.
func Summarize(c orak.PitchCurve) orak.Pitch {
	p := orak.Pitch{HopS: c.HopS}
	voiced := make([]float32, 0, len(c.F0Hz))
	for _, f0 := range c.F0Hz {
		if f0 > 0 {
			voiced = append(voiced, f0)
		}
	}
	if len(voiced) == 0 {
		return p
	}
	slices.Sort(voiced)
	p.MedianHz = percentile(voiced, 0.5)
	p.MinHz, p.MaxHz = percentile(voiced, 0.01), percentile(voiced, 0.99)
	p.TessituraLowHz, p.TessituraHighHz = percentile(voiced, 0.1), percentile(voiced, 0.9)
	p.LowNote, p.HighNote = orak.NoteName(p.MinHz), orak.NoteName(p.MaxHz)
	p.VoicedRatio = float64(len(voiced)) / float64(len(c.F0Hz))
	return p
}

// percentile returns percentile q, 0 to 1, of sorted values, at least one, interpolated
// linearly between ranks.
func percentile(sorted []float32, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return float64(sorted[len(sorted)-1])
	}
	a, b := float64(sorted[i]), float64(sorted[i+1])
	return a + (b-a)*(at-float64(i))
}
