package wav

import (
	"errors"
	"io"
)

// peakBlock is how many samples Peaks reads at a time: 32 KiB.
const peakBlock = 1 << 14

// Peaks reads all samples and returns the lowest and the highest of every perPixel of
// them in turn, and of the rest, in 8 bits: -128 to 127, cut towards zero as
// audiowaveform does. perPixel is 1 at least. The memory is that of the result. The
// errors are those of Next.
func (w *Reader) Peaks(perPixel int) ([]int8, error) {
	all := []int8{}
	if w.total > 0 {
		all = make([]int8, 0, 2*Pixels(min(w.total, 1<<24), perPixel)) // a header may lie
	}
	var p pixel
	for {
		raw, err := w.next(peakBlock)
		if errors.Is(err, io.EOF) {
			return p.appendTo(all), nil
		}
		if err != nil {
			return nil, err
		}
		for len(raw) > 0 {
			n := min(len(raw), (perPixel-p.samples)*bytesPerSample)
			p.add(raw[:n])
			raw = raw[n:]
			if p.samples == perPixel {
				all, p = p.appendTo(all), pixel{}
			}
		}
	}
}

// Pixels returns how many pairs Peaks returns for a recording of samples.
func Pixels(samples int64, perPixel int) int64 {
	return (samples + int64(perPixel) - 1) / int64(perPixel)
}

// pixel is the range of the samples that were added.
type pixel struct {
	low, high int16
	samples   int
}

// add adds samples as they are in the file.
func (p *pixel) add(raw []byte) {
	low, high := p.low, p.high
	if p.samples == 0 {
		low, high = sample(raw, 0), sample(raw, 0)
	}
	for ; len(raw) >= bytesPerSample; raw = raw[bytesPerSample:] {
		s := sample(raw, 0)
		low, high = min(low, s), max(high, s)
		p.samples++
	}
	p.low, p.high = low, high
}

// appendTo appends a pixel that has samples.
func (p *pixel) appendTo(all []int8) []int8 {
	if p.samples == 0 {
		return all
	}
	return append(all, int8(p.low/256), int8(p.high/256))
}
