package media

import (
	"bytes"
	"encoding/binary"
)

// SniffLen is how many of a file's first bytes Sniff needs; fewer only if the file
// is shorter. Two of the longest MP3 frames fit, and the first pages of any Ogg
// stream.
const SniffLen = 8192

// Sniff detects the accepted format of a file by its first bytes; ok is false when
// it has none. File names and declared media types are ignored.
//
// It refuses text of any kind, and so every playlist, manifest and concat script.
// A file whose ID3 tag is longer than head counts as MP3; Convert looks behind the
// tag.
func Sniff(head []byte) (f Format, ok bool) {
	if f, ok = sniff(head); !ok {
		return Format{}, false
	}
	return f, true
}

// sniff is Sniff without the promise that Format is zero if it returns false.
func sniff(head []byte) (Format, bool) {
	if tag := id3Len(head); tag > 0 {
		return sniffTagged(head, tag)
	}
	switch {
	case hasAt(head, 0, "RIFF"), hasAt(head, 0, "RF64"), hasAt(head, 0, "BW64"):
		return formatWAV, hasAt(head, 8, "WAVE") && isDecodableWAV(head)
	case hasAt(head, 0, "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"):
		return formatW64, true
	case hasAt(head, 0, amrMagic), hasAt(head, 0, amrWideMagic):
		return formatAMR, true
	case hasAt(head, 0, "FORM"):
		return formatAIFF, hasAt(head, 8, "AIFF") || hasAt(head, 8, "AIFC")
	case hasAt(head, 0, "caff\x00\x01\x00\x00"):
		return formatCAF, true
	case isFLAC(head):
		return formatFLAC, true
	case hasAt(head, 0, "OggS"):
		return sniffOgg(head)
	case hasAt(head, 0, "\x1a\x45\xdf\xa3"):
		return sniffEBML(head)
	case hasAt(head, 4, "ftyp"):
		return sniffISO(head)
	case isOldQuickTime(head):
		return formatMOV, true
	case isADTS(head):
		return formatADTS, true
	}
	return formatMP3, isMP3(head)
}

// sniffTagged detects the format behind an ID3 tag of tag bytes. Such tags also
// stand before FLAC and AAC.
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
	case isADTS(rest):
		return formatADTS, true
	case len(rest) < 2*maxMP3Frame && len(head) >= SniffLen:
		return formatMP3, true // too little follows the tag to decide
	}
	return formatMP3, findMP3(rest) >= 0
}

// isFLAC reports whether b begins with the marker and the STREAMINFO block that
// must follow it.
func isFLAC(b []byte) bool {
	return hasAt(b, 0, "fLaC") && len(b) >= 8 && b[4]&0x7f == 0 && hasAt(b, 5, "\x00\x00\x22")
}

// sniffOgg reads the pages that begin a stream: they come before all other pages,
// and each has the first header of its codec.
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
		case hasAt(body, 0, "Speex   "):
			return formatOggSpeex, true
		case hasAt(body, 0, "\x7fFLAC"):
			return formatOggFLAC, true
		}
		b = body[min(size, len(body)):]
	}
	return Format{}, false
}

// sniffEBML finds the DocType in the EBML header, which distinguishes WebM and
// Matroska from other uses of EBML.
func sniffEBML(b []byte) (Format, bool) {
	const docType = "\x42\x82"
	header := b[:min(len(b), 128)]
	i := bytes.Index(header, []byte(docType))
	if i < 0 {
		return Format{}, false
	}
	// The length may be written in one byte or, by streaming muxers, in eight.
	value := header[i+len(docType):]
	switch {
	case hasAt(value, 0, "\x84webm"), hasAt(value, 0, "\x01\x00\x00\x00\x00\x00\x00\x04webm"):
		return formatWebM, true
	case hasAt(value, 0, "\x88matroska"), hasAt(value, 0, "\x01\x00\x00\x00\x00\x00\x00\x08matroska"):
		return formatMatroska, true
	}
	return Format{}, false
}

// isDecodableWAV reports whether the codec of a WAV, which may be any, is decoded.
// It is true where head does not reach the format: the conversion decides then.
func isDecodableWAV(head []byte) bool {
	for at := 12; at+8 <= len(head); {
		size := int(binary.LittleEndian.Uint32(head[at+4:]))
		if !hasAt(head, at, "fmt ") {
			if size < 0 || size > len(head) {
				return true
			}
			at += 8 + size + size&1
			continue
		}
		if len(head) < at+10 {
			return true
		}
		tag := binary.LittleEndian.Uint16(head[at+8:])
		const extensible, subFormat = 0xfffe, 8 + 24
		if tag == extensible && len(head) >= at+subFormat+2 {
			tag = binary.LittleEndian.Uint16(head[at+subFormat:])
		}
		return isDecodableTag(tag)
	}
	return true
}

// isDecodableTag reports whether a codec of WAV, by its registered number (RFC
// 2361), is decoded.
func isDecodableTag(tag uint16) bool {
	switch tag {
	case 0x0001, 0x0003, 0x0006, 0x0007, // PCM, floating point, A-law, mu-law
		0x0002, 0x0011, // ADPCM of Microsoft and of IMA
		0x0031,         // GSM
		0x0055,         // MP3
		0x00ff, 0x1610: // AAC
		return true
	}
	return false
}

// isOldQuickTime reports whether b begins a QuickTime movie without an ftyp box.
func isOldQuickTime(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	size := int(binary.BigEndian.Uint32(b))
	switch {
	case hasAt(b, 4, "wide") && size == 8:
		return hasAt(b, 12, "mdat") || hasAt(b, 12, "moov")
	case hasAt(b, 4, "moov"):
		return size > 16 && (hasAt(b, 12, "mvhd") || hasAt(b, 12, "cmov"))
	}
	return false
}

// adtsFrame returns the size of the ADTS frame whose header of 7 bytes begins b.
func adtsFrame(b []byte) (size int, ok bool) {
	if len(b) < 7 || b[0] != 0xff || b[1]&0xf6 != 0xf0 || b[2]>>2&15 > 12 {
		return 0, false
	}
	size = int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
	return size, size >= 7
}

// isADTS reports whether b begins with three frames of the same kind, as far as b
// reaches.
func isADTS(b []byte) bool {
	at := 0
	for found := range 3 {
		if at+7 > len(b) {
			return found >= 2
		}
		size, ok := adtsFrame(b[at:])
		if !ok || b[at+1] != b[1] || b[at+2]&0xfc != b[2]&0xfc {
			return false
		}
		at += size
	}
	return true
}

// sniffISO decides by the brands in the ftyp box: the major brand first, then the
// compatible ones. Pictures use the same box with other brands.
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
	case brand == "qt  ":
		return formatMOV, true
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
