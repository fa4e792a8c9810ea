package media

import (
	"time"
)

// Formats of consecutive frames without an index. Some writers put the number of
// frames in front.

// flacExtent reads STREAMINFO, which has the number of samples; 0 if the writer
// could not seek back to fill it in.
func flacExtent(w *window) extent {
	at := skipID3(w)
	b := w.at(at, 26)
	if len(b) < 26 || !isFLAC(b) {
		return extent{cut: true}
	}
	// After 10 bytes of block and frame sizes: 20 bits of sample rate, 3 of
	// channels, 5 of sample size, 36 of total samples.
	packed := w.u64(at + 18)
	rate, total := packed>>44, packed&(1<<36-1)
	if rate == 0 {
		return extent{}
	}
	return extent{promised: inTime(total, rate)}
}

// mp3Extent reads the Xing or Info header, if there is one, and walks the frames to
// see whether the last one is complete.
func mp3Extent(w *window) extent {
	at := skipID3(w)
	if at >= w.size {
		return extent{cut: true} // inside its own tag
	}
	if i := findMP3(w.at(at, SniffLen)); i > 0 {
		at += int64(i)
	}
	first, ok := parseMP3Header(w.at(at, 4))
	if !ok {
		return extent{}
	}
	e := xing(w, at, first)
	e.audioEnd = tagsBegin(w)
	end := endOf(w, e.audioEnd)
	for range maxSteps {
		h, ok := parseMP3Header(w.at(at, 4))
		if !ok {
			// A tag in between separates two files. Anything else is damage, behind
			// which frames cannot be followed.
			e.trailing = w.has(at, "ID3") || w.has(at, "TAG")
			return e
		}
		if at+int64(h.size) > end {
			e.cut = true
			return e
		}
		at += int64(h.size)
		if at == end {
			return e
		}
	}
	return e
}

// endOf returns the offset of the end of the audio, with or without tags behind it.
func endOf(w *window, audioEnd int64) int64 {
	if audioEnd > 0 {
		return audioEnd
	}
	return w.size
}

// adtsExtent walks the frames of AAC in ADTS (ISO/IEC 13818-7).
func adtsExtent(w *window) extent {
	at := skipID3(w)
	e := extent{audioEnd: tagsBegin(w)}
	end := endOf(w, e.audioEnd)
	for range maxSteps {
		if at >= end {
			return e
		}
		size, ok := adtsFrame(w.at(at, 7))
		if !ok {
			return e // damage: frames cannot be followed further
		}
		if at += int64(size); at > end {
			e.cut = true
			return e
		}
	}
	return e
}

// amrExtent walks the frames of AMR in its file format (RFC 4867, 5.3).
func amrExtent(w *window) extent {
	sizes, at := amrNarrow, int64(len(amrMagic))
	if w.has(0, amrWideMagic) {
		sizes, at = amrWide, int64(len(amrWideMagic))
	}
	pauses := 0
	for range maxSteps {
		if at >= w.size {
			return extent{cut: at > w.size, pauses: pauses}
		}
		size := sizes[w.at(at, 1)[0]>>3&15]
		if size == 0 {
			return extent{} // damage: frames cannot be followed further
		}
		if size <= amrPause {
			pauses++
		}
		at += int64(size)
	}
	return extent{}
}

// The magic bytes of AMR files, and the sizes of their frames by type, header
// included; 0 for reserved types.
const (
	amrMagic     = "#!AMR\n"
	amrWideMagic = "#!AMR-WB\n"
	// amrPause is the largest size of a frame without speech: comfort noise or
	// nothing.
	amrPause = 7
)

var (
	amrNarrow = [16]int{13, 14, 16, 18, 20, 21, 27, 32, 6, 7, 6, 6, 0, 0, 0, 1}
	amrWide   = [16]int{18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1}
)

// xing reads what the encoder wrote about the whole file into the first frame.
func xing(w *window, at int64, h mp3Header) extent {
	side := int64(17) // length of the side information
	switch {
	case h.mpeg1 && !h.mono:
		side = 32
	case !h.mpeg1 && h.mono:
		side = 9
	}
	tag := at + 4 + side
	if !w.has(tag, "Xing") && !w.has(tag, "Info") {
		return extent{}
	}
	const hasFrames, hasBytes = 1, 2
	flags := w.u32(tag + 4)
	var e extent
	field := tag + 8
	if flags&hasFrames != 0 {
		e.promised = inTime(uint64(w.u32(field))*uint64(h.samples), uint64(h.sampleRate))
		field += 4
	}
	if flags&hasBytes != 0 {
		e.cut = int64(w.u32(field)) > w.size-at
	}
	return e
}

// skipID3 returns the offset behind the ID3 tags at the start.
func skipID3(w *window) int64 {
	var at int64
	for range 8 {
		tag := id3Len(w.at(at, 10))
		if tag == 0 {
			break
		}
		at += int64(tag)
	}
	return at
}

// inTime returns how long n samples last; 0 if that is implausible.
func inTime(n, rate uint64) time.Duration {
	const year = 365 * 24 * 3600
	if n/rate > year {
		return 0
	}
	return time.Duration(float64(n) / float64(rate) * float64(time.Second))
}
