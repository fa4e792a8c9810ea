package media

// Formats of consecutive chunks, each with its length in front: a chunk that is
// longer than the rest of the file has been cut.

// riffSlack is how many bytes longer than the rest of the file a length may be and
// still be right: some writers include headers.
const riffSlack = 64

// cutAudio is the extent of audio that declares size bytes and has rest, in a format
// of a constant number of bytes a second.
func cutAudio(size, rest uint64) extent {
	if size <= rest+riffSlack {
		return extent{}
	}
	return extent{cut: true, stretch: float64(size) / float64(max(rest, 1))}
}

// riffExtent walks a WAV.
func riffExtent(w *window) extent {
	const header = 12
	var data64 uint64 // RF64 has the true length of "data" in "ds64"
	at, masked := int64(header), false
	for range maxSteps {
		if at+8 > w.size {
			return extent{}
		}
		size := uint64(w.le32(at + 4))
		switch {
		case w.has(at, "fmt "):
			masked = hasMask(w, at+8)
		case w.has(at, "ds64"):
			data64 = w.le64(at + 8 + 8)
		case w.has(at, "data"):
			if size == 0xffffffff && data64 > 0 {
				size = data64
			}
			e := dataExtent(w, at+8, size)
			e.masked = masked
			return e
		}
		at += 8 + int64(size) + int64(size&1)
	}
	return extent{}
}

// dataExtent examines audio of a declared size that begins at at.
func dataExtent(w *window, at int64, size uint64) extent {
	rest := uint64(w.size - at)
	switch {
	case size <= 0xffffffff && isStreamed(uint32(size)):
		return extent{ignoreLength: true}
	case size > rest:
		return cutAudio(size, rest)
	default:
		return afterData(w, at+int64(size)+int64(size&1))
	}
}

// hasMask reports whether a format of WAV, at at, declares the positions of the
// channels (WAVEFORMATEXTENSIBLE).
func hasMask(w *window, at int64) bool {
	const extensible, mask = 0xfffe, 20
	return w.le32(at)&0xffff == extensible && w.le32(at+mask) != 0
}

// afterData examines what follows the audio of a WAV: chunks, another WAV, or else
// audio that the declared length does not include.
func afterData(w *window, at int64) extent {
	for range maxSteps {
		if at+8 > w.size {
			return extent{}
		}
		if w.has(at, "RIFF") || w.has(at, "RF64") {
			return extent{trailing: true}
		}
		size := int64(w.le32(at + 4))
		if !isChunkID(w.at(at, 4)) || size > w.size-at-8+riffSlack {
			return extent{ignoreLength: w.size-at > riffSlack}
		}
		at += 8 + size + size&1
	}
	return extent{}
}

// isChunkID reports whether b is the name of a chunk: printable ASCII.
func isChunkID(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) == 4
}

// isStreamed reports whether size is a placeholder of a writer that could not seek
// back to fill in the length.
func isStreamed(size uint32) bool { return size == 0 || size >= 0x7ffff000 }

// aiffExtent walks an AIFF or AIFF-C.
func aiffExtent(w *window) extent {
	at := int64(12)
	for range maxSteps {
		if at+8 > w.size {
			return extent{}
		}
		size := w.u32(at + 4)
		switch {
		case w.has(at, "FORM"):
			return extent{trailing: true}
		case w.has(at, "SSND") && isStreamed(size):
			return extent{}
		case w.has(at, "SSND") && int64(size) > w.size-at-8:
			return cutAudio(uint64(size), uint64(w.size-at-8))
		}
		at += 8 + int64(size) + int64(size&1)
	}
	return extent{}
}

// cafExtent walks a Core Audio file.
func cafExtent(w *window) extent {
	at := int64(8)
	for range maxSteps {
		if at+12 > w.size {
			return extent{}
		}
		if w.has(at, "caff\x00\x01") {
			return extent{trailing: true}
		}
		size := int64(w.u64(at + 4))
		if size < 0 {
			return extent{} // the audio continues to the end of the file
		}
		if size > w.size-at-12 && w.has(at, "data") {
			return extent{cut: true, stretch: cutAudio(uint64(size), uint64(w.size-at-12)).stretch}
		}
		if size > w.size-at-12 {
			return extent{cut: true}
		}
		at += 12 + size
	}
	return extent{}
}

// w64Extent walks a Wave64. GUIDs name its chunks, whose lengths include their
// header of 24 bytes; each begins at a multiple of 8.
func w64Extent(w *window) extent {
	const header, top = 24, 40
	at := int64(top)
	for range maxSteps {
		if at+header > w.size {
			return extent{}
		}
		size := int64(w.le64(at + 16))
		if size < header {
			return extent{}
		}
		if size > w.size-at {
			if !w.has(at, "data") {
				return extent{}
			}
			return cutAudio(uint64(size-header), uint64(w.size-at-header))
		}
		at += (size + 7) &^ 7
	}
	return extent{}
}

// isoExtent walks the outermost boxes of an MP4, M4A or 3GP file. A recording that
// is cut before its index ("moov" at the end) has no readable audio; one whose
// index comes first, or that is fragmented, has. A second index belongs to a file
// that was appended.
func isoExtent(w *window) extent {
	at, indexes := int64(0), 0
	e := extent{}
	for range maxSteps {
		if at == w.size {
			return e
		}
		if at+8 > w.size {
			e.cut = true
			return e
		}
		if w.has(at+4, "moov") {
			indexes++
			e.trailing = indexes > 1
		}
		size := int64(w.u32(at))
		switch size {
		case 0:
			return e // this box continues to the end of the file
		case 1:
			size = int64(w.u64(at + 8))
			if size < 16 {
				return e
			}
		}
		if size < 8 {
			return e // not a box: other damage
		}
		if size > w.size-at {
			e.cut = true
			return e
		}
		at += size
	}
	return e
}
