package messages

import (
	"strings"
	"unicode"
)

// codeSpan returns a code span of text that others wrote, at most max runes long.
// In Mattermost and in Slack the text can neither leave the span, nor start a
// line, nor mention anybody: such characters are replaced by look-alikes, and a
// run of spaces by one space.
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

// plain returns the rune that is shown for r; -1 for none.
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
		return -1 // among them those that change the direction of writing
	default:
		return r
	}
}
