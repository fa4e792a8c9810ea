package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

const (
	rate = 16_000
	hop  = rate / 100
)

// recording is singing with a known fundamental.
type recording struct {
	samples []float64
	// f0 is the true pitch of the frame that is centered at each hop, 0 for
	// silence.
	f0 []float64
}

// sing makes a recording: notes with glides and vibrato, and rests between
// some of them; harmonics below an envelope of formants. The same seed gives
// the same recording.
func sing(seconds int, seed uint64) recording {
	r := rand.New(rand.NewPCG(seed, 2))
	n := seconds * rate
	f0 := melody(r, n)
	formants := [...]float64{300 + 450*r.Float64(), 850 + 1400*r.Float64(), 2400 + 600*r.Float64()}
	samples := make([]float64, n)
	var amplitudes []float64
	phase, level := 0.0, 0.0
	for i, hz := range f0 {
		if hz == 0 {
			level = 0
			continue
		}
		if i%64 == 0 || len(amplitudes) == 0 {
			amplitudes = partials(amplitudes[:0], hz, formants[:])
		}
		// A note ends as softly as it begins.
		if ahead := i + rate/50; ahead >= n || f0[ahead] == 0 {
			level -= level / (0.004 * rate)
		} else {
			level += (1 - level) / (0.004 * rate)
		}
		phase = math.Mod(phase+2*math.Pi*hz/rate, 2*math.Pi)
		// sin(hx) for every h from the two before it.
		last, sine, twice := 0.0, math.Sin(phase), 2*math.Cos(phase)
		for _, a := range amplitudes {
			samples[i] += level * a * sine
			last, sine = sine, twice*sine-last
		}
	}
	scale(samples, 0.1/rms(samples))
	out := recording{samples: samples}
	for at := 0; at < n; at += hop {
		out.f0 = append(out.f0, f0[at])
	}
	return out
}

// melody is the fundamental in Hz at every sample, from A1 to A5.
func melody(r *rand.Rand, n int) []float64 {
	f0 := make([]float64, n)
	note := 36 + 36*r.Float64() // MIDI
	for at := r.IntN(rate / 2); at < n; {
		next := min(max(note+4*r.NormFloat64(), 33), 81)
		from, slide := note, 0.01+0.05*r.Float64()
		if r.IntN(3) > 0 {
			from = next
		}
		depth, speed := r.Float64(), 4+3*r.Float64()
		end := min(at+int((0.15+r.Float64())*rate), n)
		for i := range f0[at:end] {
			t := float64(i) / rate
			now := next + (from-next)*math.Exp(-t/slide) + depth*min(t/0.3, 1)*math.Sin(2*math.Pi*speed*t)
			f0[at+i] = 440 * math.Pow(2, (now-69)/12)
		}
		note, at = next, end
		if r.IntN(2) == 0 {
			at += int((0.1 + 0.4*r.Float64()) * rate)
		}
	}
	return f0
}

// partials are the amplitudes of the harmonics of hz.
func partials(to []float64, hz float64, formants []float64) []float64 {
	for h := 1.0; h*hz < 0.47*rate; h++ {
		gain := 0.03
		for i, f := range formants {
			d := (h*hz - f) / (60 + 0.05*f)
			gain += math.Pow(0.6, float64(i)) / math.Sqrt(1+d*d)
		}
		to = append(to, gain/h)
	}
	return to
}

// inNoise returns the recording in noise that is as loud as its singing; next
// returns the noise.
func (r recording) inNoise(next func() float64) recording {
	sung := 0
	for _, hz := range r.f0 {
		if hz > 0 {
			sung++
		}
	}
	noise := make([]float64, len(r.samples))
	for i := range noise {
		noise[i] = next()
	}
	scale(noise, rms(r.samples)*math.Sqrt(float64(len(r.f0))/float64(max(sung, 1)))/rms(noise))
	for i, v := range r.samples {
		noise[i] += v
	}
	return recording{f0: r.f0, samples: noise}
}

func white(seed uint64) func() float64 { return rand.New(rand.NewPCG(seed, 3)).NormFloat64 }

// pink noise loses 3 dB an octave: white noise through poles an octave and a half
// apart (P. Kellet's "economy" filter).
func pink(seed uint64) func() float64 {
	next := rand.New(rand.NewPCG(seed, 4)).NormFloat64
	var low, middle, high float64
	return func() float64 {
		v := next()
		low = 0.99765*low + 0.0990460*v
		middle = 0.96300*middle + 0.2965164*v
		high = 0.57000*high + 1.0526913*v
		return low + middle + high + 0.1848*v
	}
}

func rms(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(max(sum, 1e-12) / float64(len(x)))
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

// wav is the recording as the worker's conversion writes it, repeated.
func (r recording) wav(times int) []byte {
	le := binary.LittleEndian
	size := uint32(2 * len(r.samples) * times)
	b := le.AppendUint32([]byte("RIFF"), 36+size)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	b = le.AppendUint32(le.AppendUint32(b, rate), 2*rate)
	b = append(b, "\x02\x00\x10\x00data"...)
	b = le.AppendUint32(b, size)
	pcm := make([]byte, 0, 2*len(r.samples))
	for _, v := range r.samples {
		pcm = le.AppendUint16(pcm, uint16(int16(min(max(math.Round(v*32768), -32768), 32767))))
	}
	return append(b, bytes.Repeat(pcm, times)...)
}
