package media

// maxMP3Frame is the longest possible frame in bytes: 320 kbit/s at 32 kHz, padded.
const maxMP3Frame = 1441

// mp3Header is the content of a frame's header of four bytes.
type mp3Header struct {
	size       int // bytes, header included
	samples    int // per channel
	sampleRate int // Hz
	mono       bool
	mpeg1      bool
}

// parseMP3Header parses the header of a layer III frame strictly: it refuses
// reserved values and the free bit rate, which no recorder writes.
func parseMP3Header(b []byte) (h mp3Header, ok bool) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return h, false
	}
	version, layer := b[1]>>3&3, b[1]>>1&3
	rate, frequency, emphasis := int(b[2]>>4), b[2]>>2&3, b[3]&3
	if version == 1 || layer != 1 || rate == 0 || rate == 15 || frequency == 3 || emphasis == 2 {
		return h, false
	}
	h.mono = b[3]>>6 == 3
	h.mpeg1 = version == 3
	h.sampleRate = [...]int{44100, 48000, 32000}[frequency]
	kbps := [...]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}[rate]
	h.samples = 576
	switch version {
	case 3: // MPEG-1
		kbps = [...]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}[rate]
		h.samples = 1152
	case 2: // MPEG-2
		h.sampleRate /= 2
	case 0: // MPEG-2.5
		h.sampleRate /= 4
	}
	h.size = h.samples/8*kbps*1000/h.sampleRate + int(b[2]>>1&1)
	return h, true
}

// isMP3 reports whether b begins with three frames of the same kind, as far as b
// reaches. One sync word proves nothing: it occurs by chance in any file.
func isMP3(b []byte) bool {
	first, ok := parseMP3Header(b)
	if !ok {
		return false
	}
	at := first.size
	for found := 1; found < 3; found++ {
		if at+4 > len(b) {
			return found >= 2
		}
		next, ok := parseMP3Header(b[at:])
		if !ok || next.sampleRate != first.sampleRate || next.samples != first.samples {
			return false
		}
		at += next.size
	}
	return true
}

// findMP3 returns the offset of the first run of frames in b, or -1.
func findMP3(b []byte) int {
	for i := range b {
		if b[i] == 0xff && isMP3(b[i:]) {
			return i
		}
	}
	return -1
}

// id3Len returns the length of the ID3v2 tag at the beginning of b, header and
// footer included; 0 for none.
func id3Len(b []byte) int {
	const header, hasFooter = 10, 0x10
	if len(b) < header || !hasAt(b, 0, "ID3") || b[3] < 2 || b[3] > 4 || b[4] == 0xff {
		return 0
	}
	size := 0
	for _, c := range b[6:10] {
		if c > 0x7f {
			return 0
		}
		size = size<<7 | int(c)
	}
	if b[5]&hasFooter != 0 {
		size += header
	}
	return header + size
}
