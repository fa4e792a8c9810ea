package media

import (
	"bytes"
	"strconv"
)

// Lengths of the tags that stand behind the last frame, in bytes.
const (
	id3v1       = 128
	id3v1Plus   = 227
	apeFooter   = 32
	lyricsFoot  = 15 // "LYRICS200" and six digits of length
	lyricsMax   = 5100
	id3v2Footer = 10
)

// tagsBegin returns the offset of the first of the tags behind the last frame; 0 if
// there are none. ffmpeg takes some of them for audio.
func tagsBegin(w *window) int64 {
	end := w.size
	for range 16 { // more than there are kinds of tags
		n := tagBefore(w, end)
		if n <= 0 || n >= end {
			break
		}
		end -= n
	}
	if end == w.size {
		return 0
	}
	return end
}

// tagBefore returns the length of the tag that ends at end; 0 for none.
func tagBefore(w *window, end int64) int64 {
	switch {
	case w.has(end-id3v1, "TAG"):
		if w.has(end-id3v1-id3v1Plus, "TAG+") {
			return id3v1 + id3v1Plus
		}
		return id3v1
	case w.has(end-apeFooter, "APETAGEX"):
		return apeLen(w, end-apeFooter)
	case w.has(end-lyricsFoot+6, "LYRICS200"):
		n, err := strconv.ParseUint(string(w.at(end-lyricsFoot, 6)), 10, 32)
		if err != nil {
			return 0
		}
		return int64(n) + lyricsFoot
	case w.has(end-9, "LYRICSEND"):
		text := w.at(max(0, end-lyricsMax-20), lyricsMax+20)
		if i := bytes.LastIndex(text[:min(len(text), int(end-max(0, end-lyricsMax-20)))], []byte("LYRICSBEGIN")); i >= 0 {
			return end - (max(0, end-lyricsMax-20) + int64(i))
		}
	case w.has(end-id3v2Footer, "3DI"):
		head := append([]byte("ID3"), w.at(end-id3v2Footer+3, 7)...)
		return int64(id3Len(head))
	}
	return 0
}

// apeLen returns the length of the APEv2 tag whose footer is at at: items, footer
// and, if the flags say so, a header.
func apeLen(w *window, at int64) int64 {
	const hasHeader = 1 << 31
	n := int64(w.le32(at + 12))
	if w.le32(at+20)&hasHeader != 0 {
		n += apeFooter
	}
	return n
}
