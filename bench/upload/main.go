// Command upload measures how long the API takes to answer uploads and, in the
// same run, the store's own PUT of the same bytes, which no upload can beat. The
// workers convert and analyze meanwhile, as in a deployment.
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
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"orak/bench/uploads"
	"orak/internal/media/mediatest"
	"orak/internal/objectstore"
	"orak/test/stack"
)

type options struct {
	binary      string
	requests    int
	concurrency int
	pause       time.Duration
	size        int
	json        bool
	spans       bool
}

// report is what one run measured. Durations are in milliseconds.
type report struct {
	Requests    int     `json:"requests"`
	Concurrency int     `json:"concurrency"`
	PauseMS     float64 `json:"pause_ms"`
	SizeBytes   int     `json:"size_bytes"`
	Upload      figures `json:"upload"`
	StorePut    figures `json:"store_put"`
	// RatioP50 is upload over store PUT at the median.
	RatioP50 float64 `json:"ratio_p50"`
}

type figures struct {
	P50MS     float64 `json:"p50_ms"`
	P90MS     float64 `json:"p90_ms"`
	P99MS     float64 `json:"p99_ms"`
	MaxMS     float64 `json:"max_ms"`
	PerSecond float64 `json:"per_second"`
	Failed    int     `json:"failed"`
}

func main() { os.Exit(run()) }

func run() int {
	opts := parse()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	rep, err := measure(ctx, opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if opts.json {
		if err := json.NewEncoder(os.Stdout).Encode(rep); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 1
		}
	} else {
		rep.print(os.Stdout)
	}
	if rep.Upload.Failed+rep.StorePut.Failed > 0 {
		fmt.Fprintln(os.Stderr, "bench: some requests failed: the figures do not count")
		return 1
	}
	return 0
}

func parse() options {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack; it is run on free ports and a folder of its own")
	flag.IntVar(&o.requests, "requests", 600, "how many uploads to measure")
	flag.IntVar(&o.concurrency, "concurrency", 20, "how many at once")
	flag.DurationVar(&o.pause, "pause", time.Second, "how long each client rests after an answer, on average; 0 measures saturation")
	flag.IntVar(&o.size, "size", 1_000_000, "bytes an upload")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.spans, "spans", false, "print what the steps of an upload take, too; tracing costs some of the time")
	flag.Parse()
	return o
}

func measure(ctx context.Context, o options) (rep report, err error) {
	launch := stack.Options{Binary: o.binary, Args: []string{"--reuse-analyses=false", "--log-level=warn"}}
	if o.spans {
		traced := collectSpans()
		defer traced.server.Close()
		launch.Env = traced.env()
		defer traced.print(os.Stdout)
	}
	process, err := stack.Launch("up", launch)
	if err != nil {
		return report{}, err
	}
	defer func() { err = errors.Join(err, process.Close()) }()
	store, err := open(process)
	if err != nil {
		return report{}, err
	}
	body := mediatest.WAV(16000, 1, mediatest.Noise(max(1, (o.size-44)/2)))
	client := uploads.HTTP(o.concurrency)
	upload := func(ctx context.Context, _ int) error {
		return uploads.Post(ctx, client, process.API, "audio/wav", body)
	}
	put := func(ctx context.Context, i int) error {
		_, err := store.Put(ctx, benchKey(i), bytes.NewReader(body), objectstore.PutOptions{Size: int64(len(body)), ContentType: "audio/wav"})
		return err
	}

	warm := o
	warm.requests, warm.pause = 2*o.concurrency, 0
	load(ctx, warm, put)
	rep = report{
		Requests: o.requests, Concurrency: o.concurrency, SizeBytes: o.size,
		PauseMS: float64(o.pause) / float64(time.Millisecond),
	}
	rep.StorePut = load(ctx, o, put)
	load(ctx, warm, upload)
	rep.Upload = load(ctx, o, upload)
	rep.RatioP50 = rep.Upload.P50MS / rep.StorePut.P50MS
	return rep, nil
}

func open(p *stack.Process) (*objectstore.Store, error) {
	return objectstore.New(objectstore.Config{Endpoint: p.S3, Bucket: "orak", AccessKey: p.S3AccessKey, SecretKey: p.S3SecretKey})
}

func benchKey(i int) string { return "bench/upload/" + strconv.Itoa(i) }

// load runs op o.requests times, o.concurrency at once, and times each run.
func load(ctx context.Context, o options, op func(context.Context, int) error) figures {
	took := make([]time.Duration, o.requests)
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range o.concurrency {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= o.requests {
					return
				}
				start := time.Now()
				if err := op(ctx, i); err != nil {
					if failed.Add(1) == 1 {
						fmt.Fprintln(os.Stderr, "bench: first failure:", err)
					}
				}
				took[i] = time.Since(start)
				rest(ctx, o.pause)
			}
		})
	}
	wg.Wait()
	return summarize(took, time.Since(began), int(failed.Load()))
}

// rest is a client's pause: d on average, and random, since people do not act in
// step.
func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func summarize(took []time.Duration, whole time.Duration, failed int) figures {
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[min(int(q*float64(len(took))), len(took)-1)]) / float64(time.Millisecond)
	}
	return figures{
		P50MS: at(0.50), P90MS: at(0.90), P99MS: at(0.99), MaxMS: at(1),
		PerSecond: float64(len(took)) / whole.Seconds(), Failed: failed,
	}
}

func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "%d uploads of %d bytes by %d clients, each resting %.0f ms on average after an answer\n\n", r.Requests, r.SizeBytes, r.Concurrency, r.PauseMS)
	fmt.Fprintf(w, "%-22s %9s %9s %9s %9s %9s\n", "", "p50 ms", "p90 ms", "p99 ms", "max ms", "per s")
	row := func(name string, f figures) {
		fmt.Fprintf(w, "%-22s %9.1f %9.1f %9.1f %9.1f %9.1f\n", name, f.P50MS, f.P90MS, f.P99MS, f.MaxMS, f.PerSecond)
	}
	row("POST /v1/uploads", r.Upload)
	row("PUT to the store", r.StorePut)
	fmt.Fprintf(w, "\nupload / store PUT at the median: %.2f\n", r.RatioP50)
}
