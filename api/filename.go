package api

import (
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFilename is orak.Upload.Filename's bound, in bytes.
const maxFilename = 255

// filename makes a caller's file name what orak.Upload.Filename promises:
// never a path, valid UTF-8, nothing that could fool a terminal or a reader
// (control and format characters, so no reversed extensions either).
func filename(given string) string {
	name := strings.ToValidUTF8(given, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	for len(name) > maxFilename {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "." || name == ".." {
		return ""
	}
	return strings.TrimSpace(name)
}

// dispositionFilename is the name in a Content-Disposition header; empty where
// there is none or the header cannot be read.
func dispositionFilename(header string) string {
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return filename(params["filename"])
}
