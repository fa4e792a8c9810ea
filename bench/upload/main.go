// Command upload measures how long the API takes to answer uploads and, in the
// same run and in turns, the store's own PUT of the same bytes, which no upload can
// beat. The workers convert and analyze meanwhile, as in a deployment, or rest (-rest).
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
)

// rounds is how often uploads and PUTs take turns: a machine's slow minute meets both.
const rounds = 3

type options struct {
	binary      string
	orak        string
	tusd        string
	rest        bool
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
	AtRest      bool    `json:"at_rest"`
	Upload      figures `json:"upload"`
	StorePut    figures `json:"store_put"`
	// Tusd is absent unless tusd was measured.
	Tusd *figures `json:"tusd,omitempty"`
	// RatioP50 and RatioP99 are upload over store PUT.
	RatioP50 float64 `json:"ratio_p50"`
	RatioP99 float64 `json:"ratio_p99"`
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
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
	if rep.Upload.Failed+rep.StorePut.Failed > 0 || rep.Tusd != nil && rep.Tusd.Failed > 0 {
		fmt.Fprintln(os.Stderr, "bench: some requests failed: the figures do not count")
		return 1
	}
	return 0
}

func parse() options {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack; it is run on free ports and a folder of its own")
	flag.StringVar(&o.orak, "orak", "bin/orak", "the built orak, whose API role is measured at rest")
	flag.BoolVar(&o.rest, "rest", false, "run the API alone beside the servers: nothing is converted or analyzed")
	flag.StringVar(&o.tusd, "tusd", "", "a tusd to measure in the same run, on the same store; implies -rest")
	flag.IntVar(&o.requests, "requests", 600, "how many uploads to measure")
	flag.IntVar(&o.concurrency, "concurrency", 20, "how many at once")
	flag.DurationVar(&o.pause, "pause", time.Second, "how long each client rests after an answer, on average; 0 measures saturation")
	flag.IntVar(&o.size, "size", 1_000_000, "bytes an upload")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.spans, "spans", false, "print what the steps of an upload take, too; tracing costs some of the time")
	flag.Parse()
	o.rest = o.rest || o.tusd != ""
	return o
}

// kind is what is measured.
type kind struct {
	op func(context.Context, int) error
	sample
}

func measure(ctx context.Context, o options) (rep report, err error) {
	var env []string
	if o.spans {
		traced := collectSpans()
		defer traced.server.Close()
		env = traced.env()
		defer traced.print(os.Stdout)
	}
	d, err := deploy(o, env)
	if err != nil {
		return report{}, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	store, err := objectstore.New(objectstore.Config{Endpoint: d.servers.S3, Bucket: bucket, AccessKey: d.servers.S3AccessKey, SecretKey: d.servers.S3SecretKey})
	if err != nil {
		return report{}, err
	}
	body := mediatest.WAV(16000, 1, mediatest.Noise(max(1, (o.size-44)/2)))
	client := uploads.HTTP(o.concurrency)
	upload := &kind{op: func(ctx context.Context, _ int) error {
		return uploads.Post(ctx, client, d.api, "audio/wav", body)
	}}
	put := &kind{op: func(ctx context.Context, i int) error {
		_, err := store.Put(ctx, benchKey(i), bytes.NewReader(body), objectstore.PutOptions{Size: int64(len(body)), ContentType: "audio/wav"})
		return err
	}}
	// Uploads come first: their analyses keep the workers busy while PUTs are measured.
	kinds := []*kind{upload, put}
	if d.tusd != "" {
		kinds = append(kinds, &kind{op: func(ctx context.Context, _ int) error { return postTus(ctx, client, d.tusd, body) }})
	}

	warm := o
	warm.requests, warm.pause = 2*o.concurrency, 0
	share := o
	share.requests = max(1, o.requests/rounds)
	for range rounds {
		for _, k := range kinds {
			load(ctx, warm, k.op)
			k.add(load(ctx, share, k.op))
		}
	}
	rep = report{
		Requests: share.requests * rounds, Concurrency: o.concurrency, SizeBytes: o.size, AtRest: o.rest,
		PauseMS: float64(o.pause) / float64(time.Millisecond),
		Upload:  upload.summarize(), StorePut: put.summarize(),
	}
	if d.tusd != "" {
		f := kinds[2].summarize()
		rep.Tusd = &f
	}
	rep.RatioP50 = rep.Upload.P50MS / rep.StorePut.P50MS
	rep.RatioP99 = rep.Upload.P99MS / rep.StorePut.P99MS
	return rep, nil
}

func benchKey(i int) string { return "bench/upload/" + strconv.Itoa(i) }

// sample has how long operations took.
type sample struct {
	took   []time.Duration
	whole  time.Duration
	failed int
}

func (s *sample) add(more sample) {
	s.took, s.whole, s.failed = append(s.took, more.took...), s.whole+more.whole, s.failed+more.failed
}

// load runs op o.requests times, o.concurrency at once, and times each run.
func load(ctx context.Context, o options, op func(context.Context, int) error) sample {
	took := make([]time.Duration, o.requests)
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range o.concurrency {
		wg.Go(func() {
			rest(ctx, o.pause) // clients do not begin in step, either
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
	return sample{took, time.Since(began), int(failed.Load())}
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

func (s *sample) summarize() figures {
	slices.Sort(s.took)
	at := func(q float64) float64 {
		return float64(s.took[min(int(q*float64(len(s.took))), len(s.took)-1)]) / float64(time.Millisecond)
	}
	return figures{
		P50MS: at(0.50), P90MS: at(0.90), P99MS: at(0.99), MaxMS: at(1),
		PerSecond: float64(len(s.took)) / s.whole.Seconds(), Failed: s.failed,
	}
}

func (r report) print(w io.Writer) {
	workers := "busy"
	if r.AtRest {
		workers = "at rest"
	}
	fmt.Fprintf(w, "%d uploads of %d bytes by %d clients, each resting %.0f ms on average after an answer; workers %s\n\n", r.Requests, r.SizeBytes, r.Concurrency, r.PauseMS, workers)
	fmt.Fprintf(w, "%-22s %9s %9s %9s %9s %9s\n", "", "p50 ms", "p90 ms", "p99 ms", "max ms", "per s")
	row := func(name string, f figures) {
		fmt.Fprintf(w, "%-22s %9.1f %9.1f %9.1f %9.1f %9.1f\n", name, f.P50MS, f.P90MS, f.P99MS, f.MaxMS, f.PerSecond)
	}
	row("POST /v1/uploads", r.Upload)
	row("PUT to the store", r.StorePut)
	if r.Tusd != nil {
		row("tusd", *r.Tusd)
	}
	fmt.Fprintf(w, "\nupload / store PUT: median %.2f, p99 %.2f\n", r.RatioP50, r.RatioP99)
	if r.Tusd != nil {
		fmt.Fprintf(w, "uploads a second / tusd's: %.2f\n", r.Upload.PerSecond/r.Tusd.PerSecond)
	}
}
