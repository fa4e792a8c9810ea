package messages

import (
	"strings"
	"unicode"
)

// codeSpan makes a code span of text that others wrote, of max runes at most. The
// text can neither leave the span, nor start a line, nor mention anybody, in
// Mattermost and in Slack: what could is shown by a look-alike, and a run of
// spaces is one.
func codeSpan(s string, max int) string {
	var b strings.Builder
	b.WriteByte('`')
	n, space := 0, false
	for _, r := range s {
		if n == max {
			b.WriteRune('…')
			break
		}
		if r = plain(r); r < 0 {
			continue
		}
		if r == ' ' && (n == 0 || space) {
			continue
		}
		space = r == ' '
		b.WriteRune(r)
		n++
	}
	if n == 0 {
		b.WriteString("(empty)")
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
	case r == '&': // Slack's &lt; is a <
		return '＆'
	case unicode.IsSpace(r):
		return ' '
	case r == unicode.ReplacementChar, unicode.Is(unicode.Cf, r), unicode.IsControl(r):
		return -1 // among them those that turn the direction of writing round
	default:
		return r
	}
}
