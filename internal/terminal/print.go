package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Print writes a line of the result.
func (t *Terminal) Print(format string, args ...any) { fmt.Fprintf(t.Out, format+"\n", args...) }

// Tell writes a line about what is going on.
func (t *Terminal) Tell(format string, args ...any) { fmt.Fprintf(t.Err, format+"\n", args...) }

// Value writes v as one line of JSON.
func (t *Terminal) Value(v any) error { return JSONLine(t.Out, v) }

// JSONLine writes v as one line of JSON. A terminal may read it, so characters
// that are legal in JSON and active in a terminal are written as escapes.
func JSONLine(w io.Writer, v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding the result: %w", err)
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

// Section heads a part of the result.
func (t *Terminal) Section(name string) {
	t.Print("")
	t.Print("%s", t.Paint(Bold, name))
}

// ClearScreen empties the screen where Out is a terminal.
func (t *Terminal) ClearScreen() {
	if Is(t.Out) {
		fmt.Fprint(t.Out, "\x1b[H\x1b[J")
	}
}

// eraseLine removes the moving line, and what the terminal has written behind
// it, such as the ^C of an interrupt.
func (t *Terminal) eraseLine() { fmt.Fprint(t.Err, "\r\x1b[K") }
