package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress says how far a build is: on a terminal by one line that it keeps
// rewriting, elsewhere by a line every quiet interval.
type progress struct {
	w        io.Writer
	terminal bool
	target   string
	began    time.Time
	said     time.Time

	downloaded int
	compiled   int
	// total is 0 as long as nobody knows.
	total int
	// last is the module or package of the last line.
	last string
	// pkg ends the import path of the package that is compiled last.
	pkg     string
	linking bool
}

// quiet is how long nothing is said elsewhere than on a terminal.
const quiet = 10 * time.Second

func newProgress(w io.Writer, terminal bool, target, pkg string, now time.Time) *progress {
	return &progress{w: w, terminal: terminal, target: target, pkg: strings.TrimPrefix(pkg, "."), began: now, said: now}
}

// line takes one line of go build -v. What is neither a download nor a
// package is a message, and is passed on.
func (p *progress) line(s string) {
	module, download := strings.CutPrefix(s, "go: downloading ")
	switch {
	case download:
		p.downloaded++
		p.last = module
	case isPackage(s):
		p.compiled++
		p.last = s
		p.linking = strings.HasSuffix(s, p.pkg)
	default:
		p.clear()
		fmt.Fprintln(p.w, s)
	}
}

// isPackage tells an import path from a compiler's message.
func isPackage(s string) bool {
	return s != "" && !strings.ContainsAny(s, " :\t#")
}

// tick is called a few times a second.
func (p *progress) tick(now time.Time) {
	if p.compiled+p.downloaded == 0 {
		return
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", cut(p.state(now), 100))
		return
	}
	if now.Sub(p.said) >= quiet {
		p.said = now
		fmt.Fprintln(p.w, p.state(now))
	}
}

// end clears the line, and says how long a build took that was long.
func (p *progress) end(built bool) {
	p.clear()
	took := time.Since(p.began)
	if built && took > countAfter {
		fmt.Fprintf(p.w, "built %s in %s\n", p.target, took.Round(time.Second))
	}
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *progress) state(now time.Time) string {
	elapsed := now.Sub(p.began).Round(time.Second)
	switch {
	case p.compiled == 0:
		return fmt.Sprintf("building %s: downloaded %d modules, %s: %s", p.target, p.downloaded, elapsed, p.last)
	case p.linking:
		return fmt.Sprintf("building %s: %s linking, %s", p.target, bar(1), elapsed)
	case p.total == 0:
		return fmt.Sprintf("building %s: %d packages, %s: %s", p.target, p.compiled, elapsed, p.last)
	default:
		return fmt.Sprintf("building %s: %s %d of %d packages, %s: %s",
			p.target, bar(float64(p.compiled)/float64(p.total)), p.compiled, p.total, elapsed, p.last)
	}
}

// bar draws a share, 0 to 1.
func bar(share float64) string {
	const width = 20
	n := int(share * width)
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", width-n) + "]"
}

// cut keeps a line from wrapping, where rewriting it would fail.
func cut(s string, width int) string {
	if len(s) <= width {
		return s
	}
	return s[:width-1] + "…"
}
