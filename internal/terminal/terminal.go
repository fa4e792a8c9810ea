package terminal

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
)

// Terminal is where a command line reads and writes.
type Terminal struct {
	In io.Reader
	// Out takes results, Err progress and errors.
	Out, Err io.Writer
	// Live says that Err is a terminal, where a line can be drawn again.
	Live bool
	// Width is the number of columns of a line.
	Width int
	Marks Marks
	// JSON says that Out takes JSON only, and Err no progress.
	JSON bool
	// Now is the clock; tests replace it.
	Now func() time.Time

	colorOut, colorErr bool
}

// Marks are the signs that not every terminal can show.
type Marks struct {
	Done, Failed, Note, Dash string
	Full, Empty              string
	spinner                  []string
}

func unicodeMarks() Marks {
	return Marks{
		Done: "✓", Failed: "✗", Note: "!", Dash: "–", Full: "█", Empty: "░",
		spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
	}
}

func asciiMarks() Marks {
	return Marks{
		Done: "ok", Failed: "x", Note: "!", Dash: "-", Full: "#", Empty: ".",
		spinner: []string{"|", "/", "-", `\`},
	}
}

const defaultWidth = 80

// New reads from the environment and the streams what the terminal can do:
// NO_COLOR, TERM, COLUMNS, and the locale.
func New(environ []string, stdin io.Reader, stdout, stderr io.Writer) *Terminal {
	env := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	plain := env["NO_COLOR"] != "" || env["TERM"] == "dumb"
	t := &Terminal{
		In: stdin, Out: stdout, Err: stderr,
		Live:     Is(stderr) && env["TERM"] != "dumb",
		colorOut: Is(stdout) && !plain,
		colorErr: Is(stderr) && !plain,
		Width:    width(env, stdout, stderr),
		Marks:    asciiMarks(),
		Now:      time.Now,
	}
	if speaksUTF8(env) {
		t.Marks = unicodeMarks()
	}
	return t
}

// Is reports whether a reader or a writer is a terminal.
func Is(stream any) bool {
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

// speaksUTF8 follows the C library: the first of the three variables that is
// set decides.
func speaksUTF8(env map[string]string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(env[name]); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}
