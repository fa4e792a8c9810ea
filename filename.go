package orak

import (
	"strings"
	"unicode/utf8"
)

// MaxFilename bounds Upload.Filename, in bytes.
const MaxFilename = 255

// CleanFilename makes a caller's file name comply with Upload.Filename: it returns
// valid UTF-8 that is no path and has no control or format characters, which could
// deceive a terminal or a reader, for example by a reversed extension.
func CleanFilename(given string) string {
	name := strings.ToValidUTF8(given, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	for len(name) > MaxFilename {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "." || name == ".." {
		return ""
	}
	return strings.TrimSpace(name)
}
