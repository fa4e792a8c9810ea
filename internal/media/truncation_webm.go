package media

import "math/bits"

// The EBML elements that matter here. A Cluster has audio.
const (
	ebmlHeader  = 0x1a45dfa3
	ebmlSegment = 0x18538067
	ebmlCluster = 0x1f43b675
)

// webmExtent walks the elements of a WebM or Matroska file. Live muxers leave the
// lengths of the Segment and of its Clusters unknown; the blocks in them always
// have one. A file of unknown lengths that ends between two blocks looks whole.
func webmExtent(w *window) extent {
	at, e := int64(0), extent{}
	for range maxSteps {
		if at == w.size {
			return e
		}
		id, idLen := ebmlID(w.at(at, 4))
		if idLen == 0 {
			e.cut = at+4 > w.size // the file ends inside an id
			return e
		}
		size, sizeLen, unknown := ebmlSize(w.at(at+int64(idLen), 8))
		if sizeLen == 0 {
			e.cut = at+int64(idLen)+8 > w.size
			return e
		}
		body := at + int64(idLen+sizeLen)
		if !unknown && size > w.size-body {
			e.cut = true
			return e
		}
		e.trailing = e.trailing || id == ebmlHeader && at > 0 // a second file
		switch {
		case id == ebmlSegment, id == ebmlCluster, unknown:
			at = body // look inside
		default:
			at = body + size
		}
	}
	return e
}

// ebmlID reads an element's id, its length marker included; n is 0 for none.
func ebmlID(b []byte) (id uint32, n int) {
	if len(b) == 0 || b[0] < 0x10 {
		return 0, 0
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if len(b) < n {
		return 0, 0
	}
	for _, c := range b[:n] {
		id = id<<8 | uint32(c)
	}
	return id, n
}

// ebmlSize reads an element's length; n is 0 for none.
func ebmlSize(b []byte) (size int64, n int, unknown bool) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0, false
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if len(b) < n {
		return 0, 0, false
	}
	size = int64(b[0]) & (1<<(8-n) - 1)
	for _, c := range b[1:n] {
		size = size<<8 | int64(c)
	}
	return size, n, size == 1<<(7*n)-1
}
