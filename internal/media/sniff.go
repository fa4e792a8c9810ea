package media

import (
	"bytes"
	"encoding/binary"
)

// SniffLen is how many of a file's first bytes Sniff wants; fewer are right
// only when the file has no more. It holds two of the longest MP3 frames and
// the first pages of any Ogg stream.
const SniffLen = 8192

// Sniff decides from a file's first bytes which accepted format it is; ok is
// false when it is none. Names and claimed media types play no part.
//
// Text of any kind, and so every playlist, manifest and concat script, is
// refused. Of a file whose ID3 tag is longer than head only the tag can be
// seen, and it counts as MP3; Convert looks behind the tag.
func Sniff(head []byte) (f Format, ok bool) {
	if f, ok = sniff(head); !ok {
		return Format{}, false
	}
	return f, true
}

// sniff is Sniff; what it returns with false means nothing.
func sniff(head []byte) (Format, bool) {
	if tag := id3Len(head); tag > 0 {
		return sniffTagged(head, tag)
	}
	switch {
	case hasAt(head, 0, "RIFF"), hasAt(head, 0, "RF64"), hasAt(head, 0, "BW64"):
		return formatWAV, hasAt(head, 8, "WAVE")
	case hasAt(head, 0, "FORM"):
		return formatAIFF, hasAt(head, 8, "AIFF") || hasAt(head, 8, "AIFC")
	case hasAt(head, 0, "caff\x00\x01\x00\x00"):
		return formatCAF, true
	case isFLAC(head):
		return formatFLAC, true
	case hasAt(head, 0, "OggS"):
		return sniffOgg(head)
	case hasAt(head, 0, "\x1a\x45\xdf\xa3"):
		return formatWebM, isWebM(head)
	case hasAt(head, 4, "ftyp"):
		return sniffISO(head)
	}
	return formatMP3, isMP3(head)
}

// sniffTagged decides on a file that begins with an ID3 tag of tag bytes.
// Such tags stand before FLAC too.
func sniffTagged(head []byte, tag int) (Format, bool) {
	if tag >= len(head) {
		return formatMP3, len(head) >= SniffLen
	}
	rest := head[tag:]
	switch {
	case id3Len(rest) > 0:
		return sniff(rest)
	case isFLAC(rest):
		return formatFLAC, true
	case len(rest) < 2*maxMP3Frame && len(head) >= SniffLen:
		return formatMP3, true // the tag leaves too little to judge by
	}
	return formatMP3, findMP3(rest) >= 0
}

// isFLAC wants the marker and the STREAMINFO block that must follow it.
func isFLAC(b []byte) bool {
	return hasAt(b, 0, "fLaC") && len(b) >= 8 && b[4]&0x7f == 0 && hasAt(b, 5, "\x00\x00\x22")
}

// sniffOgg looks at the pages that begin a stream: all of them come before
// any other page, and each holds the first header of its codec.
func sniffOgg(b []byte) (Format, bool) {
	const header, beginsStream = 27, 0x02
	for len(b) > header && hasAt(b, 0, "OggS\x00") && b[5]&beginsStream != 0 {
		segments := int(b[26])
		if len(b) < header+segments {
			break
		}
		size := 0
		for _, n := range b[header : header+segments] {
			size += int(n)
		}
		body := b[header+segments:]
		switch {
		case hasAt(body, 0, "OpusHead"):
			return formatOggOpus, true
		case hasAt(body, 0, "\x01vorbis"):
			return formatOggVorbis, true
		}
		b = body[min(size, len(body)):]
	}
	return Format{}, false
}

// isWebM finds the DocType in the EBML header, which tells WebM from the
// other uses of EBML.
func isWebM(b []byte) bool {
	const docType = "\x42\x82"
	header := b[:min(len(b), 128)]
	i := bytes.Index(header, []byte(docType))
	if i < 0 {
		return false
	}
	// The length may be written in one byte or, by streaming muxers, in eight.
	value := header[i+len(docType):]
	return hasAt(value, 0, "\x84webm") || hasAt(value, 0, "\x01\x00\x00\x00\x00\x00\x00\x04webm")
}

// sniffISO decides by the brands in the ftyp box: the major brand first, and
// those that it says it is compatible with after that. Pictures use the same
// box with brands of their own.
func sniffISO(b []byte) (Format, bool) {
	size := int(binary.BigEndian.Uint32(b))
	if size < 16 || size%4 != 0 || len(b) < 16 {
		return Format{}, false
	}
	if f, ok := formatOfBrand(string(b[8:12])); ok {
		return f, true
	}
	if isPictureBrand(string(b[8:12])) {
		return Format{}, false
	}
	for i := 16; i+4 <= min(size, len(b)); i += 4 {
		if f, ok := formatOfBrand(string(b[i : i+4])); ok {
			return f, true
		}
	}
	return Format{}, false
}

func formatOfBrand(brand string) (Format, bool) {
	switch {
	case brand == "M4A " || brand == "M4B " || brand == "M4P ":
		return formatM4A, true
	case brand[:3] == "3gp" || brand[:3] == "3g2" || brand[:3] == "3gr" || brand[:3] == "3gs":
		return format3GP, true
	case brand == "isom", brand == "avc1", brand == "mp41", brand == "mp42", brand == "M4V ", brand == "MSNV", brand == "dash":
		return formatMP4, true
	case brand[:3] == "iso" && brand[3] >= '2' && brand[3] <= '9':
		return formatMP4, true
	}
	return Format{}, false
}

func isPictureBrand(brand string) bool {
	switch brand {
	case "heic", "heix", "heim", "heis", "hevc", "mif1", "msf1", "avif", "avis", "crx ", "jp2 ", "jpx ":
		return true
	}
	return false
}

// hasAt reports whether b has want at offset at.
func hasAt(b []byte, at int, want string) bool {
	return len(b) >= at+len(want) && string(b[at:at+len(want)]) == want
}
