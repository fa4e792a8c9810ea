package media

import "bytes"

// The header of a page of Ogg (RFC 3533) and its flags.
const (
	oggHeader    = 27
	oggMaxPage   = 65307
	oggBegins    = 0x02
	oggSegmented = 255
)

// oggExtent examines the last page, which must be complete and end its packet. The
// end-of-stream flag proves nothing: some phones never set it.
func oggExtent(w *window) extent {
	start := max(0, w.size-2*oggMaxPage)
	tail := w.at(start, 2*oggMaxPage)
	for end := len(tail); end > 0; {
		i := bytes.LastIndex(tail[:end], []byte("OggS\x00"))
		if i < 0 {
			return extent{cut: true}
		}
		page := tail[i:]
		end = i
		if len(page) < oggHeader {
			return extent{cut: true} // the file ends in this header
		}
		if page[5]&^0x07 != 0 {
			continue // audio that looks like a header; the page before it decides
		}
		segments := int(page[26])
		if len(page) < oggHeader+segments {
			return extent{cut: true}
		}
		size := oggHeader + segments
		for _, n := range page[oggHeader:size] {
			size += int(n)
		}
		unended := segments > 0 && page[oggHeader+segments-1] == oggSegmented
		return extent{cut: size > len(page) || unended}
	}
	return extent{cut: true}
}
