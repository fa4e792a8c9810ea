package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// console is where the command line speaks to people and programs.
type console struct {
	in       io.Reader
	out, err io.Writer
	// live says that err is a terminal, where a line may be drawn again.
	live bool
	// colorOut and colorErr say where colors are welcome.
	colorOut, colorErr bool
	// width is how many columns a line may have.
	width int
	marks marks
	json  bool
	// repeat tells of a flag whether the next command line in the same shell
	// must give it again.
	repeat func(name string) bool
	now    func() time.Time
}

// marks are the signs that not every terminal can show.
type marks struct {
	done, failed, note, dash string
	full, empty              string
	spinner                  []string
}

func unicodeMarks() marks {
	return marks{
		done: "✓", failed: "✗", note: "!", dash: "–", full: "█", empty: "░",
		spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
	}
}

func asciiMarks() marks {
	return marks{
		done: "ok", failed: "x", note: "!", dash: "-", full: "#", empty: ".",
		spinner: []string{"|", "/", "-", `\`},
	}
}

const defaultWidth = 80

func newConsole(environ []string, stdin io.Reader, stdout, stderr io.Writer) *console {
	env := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	plain := env["NO_COLOR"] != "" || env["TERM"] == "dumb"
	con := &console{
		in: stdin, out: stdout, err: stderr,
		live:     isTerminal(stderr) && env["TERM"] != "dumb",
		colorOut: isTerminal(stdout) && !plain,
		colorErr: isTerminal(stderr) && !plain,
		width:    width(env, stdout, stderr),
		marks:    asciiMarks(),
		now:      time.Now,
	}
	if speaksUTF8(env) {
		con.marks = unicodeMarks()
	}
	return con
}

// isTerminal tells of a reader or a writer.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func width(env map[string]string, writers ...io.Writer) int {
	for _, w := range writers {
		f, ok := w.(*os.File)
		if !ok {
			continue
		}
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	if columns, err := strconv.Atoi(env["COLUMNS"]); err == nil && columns > 0 {
		return columns
	}
	return defaultWidth
}

// speaksUTF8 follows the C library: the first of the three that is set counts.
func speaksUTF8(env map[string]string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(env[name]); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// clean makes text from a server, a file name or an error fit for a terminal:
// what could move the cursor, change colors, answer as if typed, or turn the
// order of the letters around becomes U+FFFD, and line breaks become spaces.
func clean(text string) string {
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

// print writes a line of the result. Everything in it must be clean already.
func (c *console) print(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

// tell writes a line about what is going on.
func (c *console) tell(format string, args ...any) { fmt.Fprintf(c.err, format+"\n", args...) }

func (c *console) warn(text string) { c.tell("orak: warning: %s", clean(text)) }

// value writes v as one line of JSON. A terminal may be what reads it, so that
// characters which are legal in JSON and active there are written as escapes.
func (c *console) value(v any) error { return jsonLine(c.out, v) }

func jsonLine(w io.Writer, v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	var safe strings.Builder
	for _, r := range strings.TrimSuffix(line.String(), "\n") {
		if r < 0x10000 && unicode.In(r, unicode.Cc, unicode.Cf) {
			fmt.Fprintf(&safe, `\u%04x`, r)
			continue
		}
		safe.WriteRune(r)
	}
	_, err := fmt.Fprintln(w, safe.String())
	return err
}

// eraseLine takes away what moves on the line of the cursor, and whatever the
// terminal has put behind it, such as the ^C of an interrupt. A bar's own way
// leaves both that and itself, once it is full.
func (c *console) eraseLine() { fmt.Fprint(c.err, "\r\x1b[K") }

// The colors say again what the words say: nothing depends on them.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	faint  = "2"
)

func paint(on bool, style, text string) string {
	if !on || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// fit cuts text to n columns.
func fit(text string, n int) string { return runewidth.Truncate(text, max(n, 1), "~") }

// pad fills text up to n columns.
func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(n-runewidth.StringWidth(text), 0))
}

// wrap breaks text at spaces into lines of at most n columns; a word that is
// longer stays whole, so that ids and commands can be copied.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
