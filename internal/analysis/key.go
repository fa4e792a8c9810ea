package analysis

import (
	"math"

	"orak"
)

// Key: the pitch classes that sound, from the peaks of long spectra (after
// Gómez 2006) and from the voice's own curve, against the profiles of the 24
// keys (Krumhansl & Kessler 1982, as the correlation of Krumhansl 1990).
const (
	chromaFrame = 2048 // of half the rate: 256 ms, 3.9 Hz a bin
	chromaHop   = halvedRate / 10
	// chromaFirst and chromaLast are the bins that are searched: 66 Hz to 2 kHz.
	// Below C2, neighbouring notes cannot be separated.
	chromaFirst = 17
	chromaLast  = 512
	// chromaBins is how many bins that needs.
	chromaBins = chromaLast + peakReach + 2
	// A peak must exceed the mean level of peakReach bins on either side by peakRise
	// dB: noise does so once in a million.
	peakReach = 16
	peakRise  = 14.0
	// peakDepth is how far below the strongest peak of the frame a peak may be, in
	// dB.
	peakDepth = 45.0
	// tuneBins is the resolution of the pitch classes until the tuning is known: 10
	// cents.
	tuneBins = 120
	tuneStep = tuneBins / 12
	// voiceShare is the weight of the voice's curve against all peaks of the
	// spectrum: low, since where several notes sound it follows none of them.
	voiceShare = 0.3
	leastTonal = 5 // frames with a pitch that a key needs: 0.5 s
)

// fineChroma has the weight of every 10 cents of the octave, from C.
type fineChroma [tuneBins]float64

func (f *fineChroma) add(hz, weight float64) {
	at := math.Mod(orak.MIDINote(hz)*tuneStep, tuneBins)
	if at < 0 {
		at += tuneBins
	}
	i := int(at)
	part := at - float64(i)
	f[i%tuneBins] += weight * (1 - part)
	f[(i+1)%tuneBins] += weight * part
}

func (f *fineChroma) total() (sum float64) {
	for _, v := range f {
		sum += v
	}
	return sum
}

// chromaMeter collects the pitch classes of a stream.
type chromaMeter struct {
	frames   *framer
	spectrum *windowed
	logs     []float64
	prefix   []float64
	fine     fineChroma
	now      []peak
	// tonal counts the frames that had a peak.
	tonal int64
}

type peak struct{ hz, magnitude float64 }

func newChromaMeter(k kernels) *chromaMeter {
	return &chromaMeter{
		frames:   newFramer(chromaFrame, chromaHop),
		spectrum: newWindowed(hann(chromaFrame), chromaFrame, k),
		logs:     make([]float64, chromaBins), prefix: make([]float64, chromaBins+1),
	}
}

// push adds samples at half of the rate.
func (m *chromaMeter) push(x []float64) { m.frames.push(x, m.frame) }

func (m *chromaMeter) frame(frame []float64) {
	if decibels(m.spectrum.dot(frame, frame)/chromaFrame, -120) < minLevel {
		return
	}
	m.spectrum.spectrum(m.logs, frame)
	if !m.findPeaks() {
		return
	}
	m.tonal++
	total := 0.0
	for _, p := range m.now {
		total += p.magnitude
	}
	// Louder frames count more, but only by their square root.
	for _, p := range m.now {
		m.fine.add(p.hz, p.magnitude/math.Sqrt(total))
	}
}

// findPeaks fills now with the partials of the spectrum.
func (m *chromaMeter) findPeaks() bool {
	const width = float64(halvedRate) / chromaFrame
	const begin = chromaFirst - peakReach - 1
	m.now = m.now[:0]
	top := 0.0
	for _, power := range m.logs[begin:] {
		top = max(top, power)
	}
	if top <= 0 {
		return false
	}
	for k := begin; k < chromaBins; k++ {
		m.logs[k] = m.logs[k]/top + 1e-8
	}
	m.spectrum.inDecibels(m.logs[begin:chromaBins], -100)
	for k := begin; k < chromaBins; k++ {
		m.prefix[k+1] = m.prefix[k] + m.logs[k]
	}
	for k := chromaFirst; k <= chromaLast; k++ {
		v := m.logs[k]
		if v < -peakDepth || v <= m.logs[k-1] || v < m.logs[k+1] {
			continue
		}
		around := (m.prefix[k+peakReach+1] - m.prefix[k-peakReach]) / (2*peakReach + 1)
		if v-around < peakRise {
			continue
		}
		shift, level := parabola(m.logs[k-1], v, m.logs[k+1])
		m.now = append(m.now, peak{
			hz:        (float64(k) + shift) * width,
			magnitude: math.Sqrt(top) * math.Pow(10, level/20),
		})
	}
	return len(m.now) > 0
}

// chroma has the pitch classes of a recording.
type chroma struct {
	// class has the weight of each, from C, relative to the detected tuning. The
	// sum is 1, or 0 where the recording is not tonal for long enough.
	class [12]float64
	// grid is how well the pitches fit semitones, 0 to 1: those of speech do not.
	grid float64
}

// result ends the stream. The curve adds the voice's own pitch classes, which have no
// harmonics that could be taken for notes.
func (m *chromaMeter) result(curve orak.PitchCurve) chroma {
	m.frames.flush(m.frame)
	if m.tonal < leastTonal {
		return chroma{}
	}
	var voice fineChroma
	for _, f0 := range curve.F0Hz {
		if f0 > 0 {
			voice.add(float64(f0), 1)
		}
	}
	all := m.fine
	scale := 1 / all.total()
	for i := range all {
		all[i] *= scale
		if len(curve.F0Hz) > 0 {
			all[i] += voiceShare * voice[i] / float64(len(curve.F0Hz))
		}
	}
	return all.fold()
}

// fold detects the tuning and collects the fine chroma around its semitones. Pitches
// between two of them are glides and count little.
func (f *fineChroma) fold() chroma {
	re, im := 0.0, 0.0
	for i, v := range f {
		a := 2 * math.Pi * float64(i) / tuneStep
		re += v * math.Cos(a)
		im += v * math.Sin(a)
	}
	total := f.total()
	if !(total > 0) {
		return chroma{}
	}
	tuning := math.Atan2(im, re) / (2 * math.Pi) * tuneStep
	c := chroma{grid: math.Hypot(re, im) / total}
	sum := 0.0
	for i, v := range f {
		at := (float64(i) - tuning) / tuneStep
		near := math.Round(at)
		w := math.Cos(math.Pi * (at - near))
		c.class[(int(near)+12)%12] += v * w * w
		sum += v * w * w
	}
	for i := range c.class {
		c.class[i] /= max(sum, 1e-9)
	}
	return c
}

// The probe-tone ratings of Krumhansl & Kessler, from the tonic up.
func keyProfiles() (major, minor [12]float64) {
	return [12]float64{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88},
		[12]float64{6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17}
}

const (
	// noteShare is the share of the strongest pitch class from which one counts as a
	// note; with fewer than leastNotes there is no key.
	noteShare  = 0.15
	leastNotes = 3
	// leastContrast is the standard deviation of the chroma over its mean that
	// distinguishes notes from a flat spectrum.
	leastContrast = 0.3
	leastMatch    = 0.4
	// leadScale is the lead in correlation that gives 63 % confidence.
	leadScale = 0.1
	// Below leastGrid there is no key; from sureGrid on the grid does not lower the
	// confidence. A voice that is out of tune or wavers has about 0.3.
	leastGrid = 0.1
	sureGrid  = 0.4
)

// findKey returns the key whose profile correlates best with c.
func findKey(c chroma) orak.Key {
	if !c.tonal() {
		return orak.Key{}
	}
	major, minor := keyProfiles()
	best, next, key := -1.0, -1.0, orak.Key{}
	for tonic, name := range orak.PitchClasses() {
		for _, m := range []struct {
			mode    string
			profile *[12]float64
		}{{"major", &major}, {"minor", &minor}} {
			r := c.correlation(m.profile, tonic)
			switch {
			case r > best:
				best, next, key = r, best, orak.Key{Tonic: name, Mode: m.mode}
			case r > next:
				next = r
			}
		}
	}
	if best < leastMatch {
		return orak.Key{}
	}
	key.Confidence = (1 - math.Exp(-(best-next)/leadScale)) * min(c.grid/sureGrid, 1)
	return key
}

// tonal reports whether there are enough notes for a key.
func (c *chroma) tonal() bool {
	top, sq := 0.0, 0.0
	for _, v := range c.class {
		top = max(top, v)
		sq += (v - 1.0/12) * (v - 1.0/12)
	}
	notes := 0
	for _, v := range c.class {
		if v > 0 && v >= noteShare*top {
			notes++
		}
	}
	return c.grid >= leastGrid && notes >= leastNotes && math.Sqrt(sq/12)*12 >= leastContrast
}

// correlation returns Pearson's correlation of the chroma from tonic with a profile.
func (c *chroma) correlation(profile *[12]float64, tonic int) float64 {
	mean := 0.0
	for _, p := range profile {
		mean += p / 12
	}
	xy, xx, yy := 0.0, 0.0, 0.0
	for i, p := range profile {
		x, y := c.class[(i+tonic)%12]-1.0/12, p-mean
		xy += x * y
		xx += x * x
		yy += y * y
	}
	if xx*yy <= 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}
