// Package mediatest makes real recordings for tests: the same short tune in every
// accepted format, as ffmpeg's encoders write it, and hostile files.
//
// The tune is a scale of C major, C4 to C5, eight notes of half a second,
// with the overtones and the soft attack of a voice. An analysis must find notes
// from C4 (261.63 Hz) to C5 (523.25 Hz), the key of C major and a note each half
// second (120 BPM).
package mediatest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// What an analysis must find.
const (
	// Seconds is how long the tune lasts.
	Seconds = 4.0
	// LowHz and HighHz are its first and its last note.
	LowHz  = 261.6256
	HighHz = 523.2511
	// BPM is its beat: one note is one beat.
	BPM = 120
)

// noteSeconds is the length of one note.
const noteSeconds = 0.5

// Tune returns the tune at a sample rate in Hz, mono, at about -12 dBFS.
func Tune(rate int) []int16 {
	samples := make([]int16, int(Seconds*float64(rate)))
	for i := range samples {
		at := float64(i) / float64(rate)
		note, within := math.Modf(at / noteSeconds)
		hz := LowHz * math.Exp2(scale(int(note))/12)
		phase := 2 * math.Pi * hz * at
		v := math.Sin(phase) + 0.5*math.Sin(2*phase) + 0.25*math.Sin(3*phase)
		samples[i] = int16(8000 / 1.75 * v * envelope(within*noteSeconds))
	}
	return samples
}

// scale returns the distance of the n-th note of C major from C, in semitones.
func scale(n int) float64 {
	return [...]float64{0, 2, 4, 5, 7, 9, 11, 12}[min(n, 7)]
}

// envelope fades a note in over 20 ms and out over 60 ms.
func envelope(at float64) float64 {
	return min(1, at/0.02, (noteSeconds-at)/0.06)
}

// Noise returns n samples of white noise, which cannot be compressed.
func Noise(n int) []int16 {
	samples, random := make([]int16, n), rand.New(rand.NewPCG(1, 2))
	for i := range samples {
		samples[i] = int16(random.Uint32())
	}
	return samples
}

// WAV returns a WAV file of 16-bit samples, interleaved if there is more than one
// channel.
func WAV(rate, channels int, samples []int16) []byte {
	b := make([]byte, 0, 44+2*len(samples))
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(36+2*len(samples)))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*2))
	b = le.AppendUint16(b, uint16(channels*2))
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(samples)))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}
