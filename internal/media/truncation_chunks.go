package media

import "bytes"

// The formats that are rows of chunks, each with its length in front: a chunk
// that is longer than the rest of the file has been cut.

// riffCut walks a WAV.
func riffCut(w *window) bool {
	const header = 12
	var data64 uint64 // RF64 keeps the true length of "data" in "ds64"
	at := int64(header)
	for range maxSteps {
		if at+8 > w.size {
			return false
		}
		size := uint64(w.le32(at + 4))
		switch {
		case w.has(at, "ds64"):
			data64 = w.le64(at + 8 + 8)
		case w.has(at, "data"):
			if size == 0xffffffff && data64 > 0 {
				size = data64
			} else if isStreamed(uint32(size)) {
				return false
			}
			return size > uint64(w.size-at-8)
		}
		at += 8 + int64(size) + int64(size&1)
	}
	return false
}

// isStreamed knows the lengths that writers put down who could not go back to
// put down the right one.
func isStreamed(size uint32) bool {
	return size == 0 || size >= 0x7ffff000 && size <= 0x7fffffff || size >= 0xfffff000
}

// aiffCut walks an AIFF or AIFF-C.
func aiffCut(w *window) bool {
	at := int64(12)
	for range maxSteps {
		if at+8 > w.size {
			return false
		}
		size := w.u32(at + 4)
		if w.has(at, "SSND") {
			return !isStreamed(size) && int64(size) > w.size-at-8
		}
		at += 8 + int64(size) + int64(size&1)
	}
	return false
}

// cafCut walks a Core Audio file.
func cafCut(w *window) bool {
	at := int64(8)
	for range maxSteps {
		if at+12 > w.size {
			return false
		}
		size := int64(w.u64(at + 4))
		if size < 0 {
			return false // the audio goes on to the end of the file
		}
		if size > w.size-at-12 {
			return true
		}
		at += 12 + size
	}
	return false
}

// isoCut walks the outermost boxes of an MP4, M4A or 3GP file. A recording
// that is cut before its index ("moov" at the end) has no readable audio at
// all; one whose index stands first, or that is fragmented, has.
func isoCut(w *window) bool {
	at := int64(0)
	for range maxSteps {
		if at == w.size {
			return false
		}
		if at+8 > w.size {
			return true
		}
		size := int64(w.u32(at))
		switch size {
		case 0:
			return false // this box goes on to the end of the file
		case 1:
			size = int64(w.u64(at + 8))
			if size < 16 {
				return false
			}
		}
		if size < 8 {
			return false // no box: damaged in another way
		}
		if size > w.size-at {
			return true
		}
		at += size
	}
	return false
}

// oggCut looks at the last page: it must be whole, and flagged as the end of
// its stream. Nothing else in an Ogg file says how long it is.
func oggCut(w *window) bool {
	const header, maxPage, endsStream = 27, 65307, 0x04
	start := max(0, w.size-2*maxPage)
	tail := w.at(start, 2*maxPage)
	for end := len(tail); end > 0; {
		i := bytes.LastIndex(tail[:end], []byte("OggS\x00"))
		if i < 0 {
			return true
		}
		page := tail[i:]
		end = i
		if len(page) < header || page[5]&^0x07 != 0 {
			// The file ends in this header, or these are bytes of audio that
			// look like one; the page before it tells.
			continue
		}
		segments := int(page[26])
		if len(page) < header+segments {
			return true
		}
		size := header + segments
		for _, n := range page[header : header+segments] {
			size += int(n)
		}
		return size > len(page) || page[5]&endsStream == 0
	}
	return true
}
