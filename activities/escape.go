package activities

import (
	"strings"
	"unicode"
)

// codeSpan makes a code span of text that others wrote, of max runes at most. The
// text can neither leave the span, nor start a line, nor mention anybody, in
// Mattermost and in Slack: what could is shown by a look-alike.
func codeSpan(s string, max int) string {
	var b strings.Builder
	b.WriteByte('`')
	n := 0
	for _, r := range s {
		if n == max {
			b.WriteRune('…')
			break
		}
		if r = plain(r); r < 0 {
			continue
		}
		b.WriteRune(r)
		n++
	}
	if n == 0 {
		b.WriteByte(' ')
	}
	b.WriteByte('`')
	return b.String()
}

// plain is what is shown for r; -1 for nothing.
func plain(r rune) rune {
	switch {
	case r == '`':
		return '´'
	case r == '<': // Slack's control sequences: <!channel>, <url|text>
		return '‹'
	case r == '>':
		return '›'
	case r == '@':
		return '＠'
	case unicode.IsSpace(r):
		return ' '
	case r == unicode.ReplacementChar, unicode.Is(unicode.Cf, r), unicode.IsControl(r):
		return -1 // among them those that turn the direction of writing round
	default:
		return r
	}
}
