package terminal

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// Clean makes text from a server, a file name or an error safe for a terminal.
// What could move the cursor, change colors, answer as if typed, or reverse
// the order of the letters becomes U+FFFD; line breaks and tabs become spaces.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			return unicode.ReplacementChar
		default:
			return r
		}
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

// Style is a color or a weight. Styles repeat what the words say: nothing
// depends on them.
type Style string

// The styles.
const (
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Bold   Style = "1"
	Faint  Style = "2"
)

// Paint styles text for Out, where colors are welcome.
func (t *Terminal) Paint(style Style, text string) string { return paint(t.colorOut, style, text) }

// PaintErr styles text for Err, where colors are welcome.
func (t *Terminal) PaintErr(style Style, text string) string { return paint(t.colorErr, style, text) }

func paint(on bool, style Style, text string) string {
	if !on || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Width is the number of columns that text takes.
func Width(text string) int { return runewidth.StringWidth(text) }

// Fit cuts text to n columns.
func Fit(text string, n int) string { return runewidth.Truncate(text, max(n, 1), "~") }

// Pad fills text with spaces up to n columns.
func Pad(text string, n int) string {
	return text + strings.Repeat(" ", max(n-Width(text), 0))
}

// Wrap breaks text at spaces into lines of at most n columns. A word that is
// longer stays whole, so that ids and commands can be copied.
func Wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && Width(line)+1+Width(word) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
