// Command analyze measures the built-in engine: its speed on one core, the
// accuracy of its pitch on singing whose truth is known, how often it hears a
// voice in silence, the difference of its loudness to that of ffmpeg's ebur128,
// and what it allocates. If aubio's aubiopitch is installed, it gets the same
// files.
//
// It prints figures and asserts nothing. See docs/benchmarks.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
)

func main() {
	curves := flag.String("curves", "", "print the pitch curve of every WAV (16 kHz, mono, 16 bit) of this folder instead, a line of JSON for each, in the order of their names")
	count := flag.Int("recordings", 12, "how many recordings of a singer to make")
	seconds := flag.Int("seconds", 20, "length of each, in seconds")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Usage = usage
	flag.Parse()
	if err := run(*curves, *count, *seconds, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `Measures the built-in engine on singing that is made here, so that its truth is known.

  go run ./bench/analyze
  go run ./bench/analyze -recordings 40 -json
  go run ./bench/analyze -curves FOLDER

`)
	flag.PrintDefaults()
}

func run(curves string, count, seconds int, asJSON bool) error {
	ctx := context.Background()
	if curves != "" {
		return printCurves(ctx, curves, os.Stdout)
	}
	if count < 1 || seconds < 2 {
		return fmt.Errorf("at least one recording of at least 2 s is needed")
	}
	runtime.GOMAXPROCS(1)
	report, err := measure(ctx, count, seconds)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	report.print(os.Stdout)
	return nil
}
