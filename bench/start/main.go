// Command start measures the standalone stack: how soon it is up, how soon after
// that a first recording is analyzed, and how much memory it uses when idle.
//
// It prints figures and asserts nothing. See docs/benchmarks.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/media/mediatest"
	"orak/test/stack"
)

// idle is how long a stack rests before its memory is read.
const idle = 10 * time.Second

// run is one start of the stack.
type run struct {
	UpS       float64 `json:"up_s"`
	IdleMiB   float64 `json:"idle_mib"`
	AnalyzedS float64 `json:"first_analyzed_s"`
}

func main() {
	binary := flag.String("binary", "bin/orak-standalone", "the built stack; it is run on free ports and a fresh folder each time")
	runs := flag.Int("runs", 5, "how often to start it")
	seconds := flag.Int("seconds", 10, "length of the first recording, in seconds of audio")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	if err := measure(*binary, *runs, *seconds, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(binary string, n, seconds int, asJSON bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	runs := make([]run, n)
	for i := range runs {
		var err error
		if runs[i], err = once(ctx, binary, seconds); err != nil {
			return err
		}
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(runs)
	}
	fmt.Printf("%d starts; the first recording has %d s of audio\n\n", n, seconds)
	fmt.Printf("%-34s %8s %8s %8s\n", "", "min", "median", "max")
	row := func(name string, of func(run) float64) {
		values := make([]float64, n)
		for i, r := range runs {
			values[i] = of(r)
		}
		slices.Sort(values)
		fmt.Printf("%-34s %8.2f %8.2f %8.2f\n", name, values[0], values[n/2], values[n-1])
	}
	row("up after, s", func(r run) float64 { return r.UpS })
	row("first upload analyzed after, s", func(r run) float64 { return r.AnalyzedS })
	row("memory after 10 s of rest, MiB", func(r run) float64 { return r.IdleMiB })
	return nil
}

func once(ctx context.Context, binary string, seconds int) (r run, err error) {
	p, err := stack.Launch("up", stack.Options{Binary: binary, Args: []string{"--reuse-analyses=false", "--log-level=warn"}})
	if err != nil {
		return run{}, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	r.UpS = p.Took.Seconds()
	began := time.Now()
	if err := analyzed(ctx, p.API, mediatest.WAV(16000, 1, mediatest.Noise(16000*seconds))); err != nil {
		return run{}, err
	}
	r.AnalyzedS = time.Since(began).Seconds()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return run{}, ctx.Err()
	}
	memory, err := p.Memory("VmRSS")
	r.IdleMiB = float64(memory) / (1 << 20)
	return r, err
}

// analyzed uploads a recording and returns once it is completed.
func analyzed(ctx context.Context, server string, recording []byte) error {
	resp, err := http.Post(server+"/v1/uploads", "audio/wav", bytes.NewReader(recording))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var accepted resource.Accepted
	if err := json.NewDecoder(resp.Body).Decode(&accepted); err != nil {
		return err
	}
	c, err := client.New(client.Config{Server: server})
	if err != nil {
		return err
	}
	last, err := c.Watch(ctx, accepted.ID, client.Watching{})
	if err == nil && last.Status != orak.StatusCompleted {
		return fmt.Errorf("the first upload is %s", last.Status)
	}
	return err
}
