// Command build runs go build and shows how far it is: the very first build
// of the standalone program compiles some two thousand packages, which takes
// minutes.
//
//	go run ./tools/build -o bin/orak-standalone ./standalone
//
// It adds nothing to the arguments but -v, so what it compiles is in the same
// cache as what a plain go build compiles.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns go build's own exit status.
func run(args []string, stderr *os.File) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: build ARGUMENTS OF go build")
		return 2
	}
	cmd := exec.Command("go", append([]string{"build", "-v"}, args...)...)
	cmd.Stdout = stderr
	lines, err := cmd.StderrPipe()
	if err != nil {
		fmt.Fprintln(stderr, "build:", err)
		return 1
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(stderr, "build:", err)
		return 1
	}
	p := newProgress(stderr, isTerminal(stderr), target(args), args[len(args)-1], time.Now())
	follow(lines, p, func() (int, error) { return stale(args[len(args)-1]) })
	err = cmd.Wait()
	p.end(err == nil)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		fmt.Fprintln(stderr, "build:", err)
		return 1
	}
}

// countAfter is how long a build may take before it is worth asking how much
// there is to do: most builds are over by then.
const countAfter = 2 * time.Second

// follow feeds p with what go build says, and with the time that passes,
// until go build is silent for good. Count is called at most once.
func follow(r io.Reader, p *progress, count func() (int, error)) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(r)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			lines <- s.Text()
		}
		// Go build must not block on a line that is too long.
		_, _ = io.Copy(io.Discard, r)
	}()
	total := make(chan int, 1)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	counting := false
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			p.line(line)
		case n := <-total:
			p.total = n
		case now := <-tick.C:
			if !counting && p.compiled > 0 && now.Sub(p.began) > countAfter {
				counting = true
				done := p.compiled
				go func() {
					if left, err := count(); err == nil {
						total <- done + left
					}
				}()
			}
			p.tick(now)
		}
	}
}

// stale is the number of packages that pkg needs and that are not compiled.
func stale(pkg string) (int, error) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if .Stale}}x{{end}}", pkg).Output()
	if err != nil {
		return 0, fmt.Errorf("counting packages: %w", err)
	}
	return strings.Count(string(out), "x"), nil
}

// target is the file that is built, for people.
func target(args []string) string {
	for i, arg := range args[:len(args)-1] {
		if arg == "-o" {
			return args[i+1]
		}
	}
	return args[len(args)-1]
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
