// Command lake measures how fast the lake takes a backlog of events and how much memory
// that needs, with a small and a large backlog; and beside it the plainest loop, which
// puts one event at a time and commits it.
//
// It runs on the servers of orak-standalone, prints figures and asserts nothing. See
// docs/benchmarks.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/app/lakestore"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/sinks/lake"
	"orak/sinks/lake/laketest"
	"orak/test/stack"
)

type options struct {
	binary string
	events int
	times  int
	naive  time.Duration
}

// result is what one run measured.
type result struct {
	Name    string  `json:"name"`
	Events  int     `json:"events"`
	Seconds float64 `json:"seconds"`
	PerS    float64 `json:"events_per_s"`
	Files   int     `json:"files"`
	HeapMiB float64 `json:"heap_mib,omitempty"`
	AllMiB  float64 `json:"memory_mib,omitempty"`
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack, of which the servers are run")
	flag.IntVar(&o.events, "events", 80_000, "events of the small backlog")
	flag.IntVar(&o.times, "times", 3, "how many times as large the large backlog is")
	flag.DurationVar(&o.naive, "naive", 5*time.Second, "how long the plain loop runs")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	results, err := measure(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if *asJSON {
		_ = json.NewEncoder(os.Stdout).Encode(results)
		return
	}
	fmt.Printf("%-24s %10s %10s %12s %8s %12s %12s\n", "", "events", "seconds", "events/s", "files", "heap MiB", "memory MiB")
	for _, r := range results {
		fmt.Printf("%-24s %10d %10.2f %12.0f %8d %12.1f %12.1f\n", r.Name, r.Events, r.Seconds, r.PerS, r.Files, r.HeapMiB, r.AllMiB)
	}
}

func measure(o options) (results []result, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for _, run := range []struct {
		name   string
		events int
		do     func(context.Context, *rig, int, time.Duration) (result, error)
	}{
		{"lake, small backlog", o.events, take},
		{"lake, large backlog", o.events * o.times, take},
		{"the same in 160 MiB", o.events * o.times, takeLimited},
		{"one at a time", o.events, oneByOne},
	} {
		fmt.Fprintln(os.Stderr, "measuring:", run.name)
		r, err := newRig(ctx, o.binary, run.events)
		if err != nil {
			return nil, err
		}
		got, err := run.do(ctx, r, run.events, o.naive)
		if err = errors.Join(err, r.close()); err != nil {
			return nil, err
		}
		got.Name = run.name
		results = append(results, got)
	}
	return results, nil
}

// rig is fresh servers with a backlog.
type rig struct {
	process *stack.Process
	kafka   kafka.Config
	cl      *kgo.Client
	objects *objectstore.Store
	store   lake.Store
}

func (r *rig) close() error {
	r.cl.Close()
	r.objects.Close()
	return r.process.Close()
}

func newRig(ctx context.Context, binary string, n int) (*rig, error) {
	if err := os.Setenv("ORAK_STANDALONE_BIN", binary); err != nil {
		return nil, err
	}
	p, err := stack.Launch("servers", stack.Options{Args: []string{"--remove-data"}})
	if err != nil {
		return nil, err
	}
	r := &rig{process: p, kafka: kafka.Config{Brokers: []string{p.Servers.Kafka}, ClientID: "bench", ReplicationFactor: 1}}
	if r.objects, err = objectstore.New(objectstore.Config{
		Endpoint: p.Servers.S3, AccessKey: p.Servers.S3AccessKey, SecretKey: p.Servers.S3SecretKey, Bucket: "bench",
	}); err != nil {
		return nil, err
	}
	r.store = lakestore.New(r.objects)
	if err := r.objects.EnsureBucket(ctx); err != nil {
		return nil, err
	}
	if r.cl, err = kafka.NewClient(r.kafka, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if err := kafka.EnsureTopics(ctx, r.cl, events.Topics(), 1); err != nil {
		return nil, err
	}
	return r, r.produce(ctx, n)
}

// produce writes n events of one hour, most of them completed ones.
func (r *rig) produce(ctx context.Context, n int) error {
	source := laketest.NewSource(rand.Uint64())
	source.Step = 2 * time.Hour / time.Duration(n)
	failed := make(chan error, 1)
	for range n {
		e, _ := source.Next()
		r.cl.Produce(ctx, e.Record(events.TopicLifecycle), func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	if err := r.cl.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// take lets the lake take the backlog, with the settings as they are shipped.
func take(ctx context.Context, r *rig, n int, _ time.Duration) (result, error) {
	debug.FreeOSMemory()
	heap, all := held()
	sampling, stop := context.WithCancel(ctx)
	defer stop()
	peak := make(chan result)
	go func() { peak <- watch(sampling, heap, all) }()
	settings := config.MustDefaults[lake.Config]()
	settings.FileAge = time.Second // the last files need not wait
	l := lake.New(settings, lake.Deps{
		Kafka: r.kafka, Store: r.store, Publisher: kafka.NewProducer(r.cl),
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	began := time.Now()
	if err := l.Start(ctx); err != nil {
		return result{}, err
	}
	err := r.await(ctx, n)
	took := time.Since(began).Seconds()
	stop()
	got := <-peak
	got.Events, got.Seconds, got.PerS = n, took, float64(n)/took
	var listed error
	got.Files, listed = r.files(ctx)
	return got, errors.Join(err, l.Stop(ctx), listed)
}

// memoryLimit is what the runtime is told to stay below in takeLimited, as in a
// container: then what counts is live memory, and garbage is collected in time.
const memoryLimit = 160 << 20

func takeLimited(ctx context.Context, r *rig, n int, naive time.Duration) (result, error) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	return take(ctx, r, n, naive)
}

func (r *rig) files(ctx context.Context) (n int, err error) {
	for _, err := range r.store.List(ctx, lake.Prefix, "") {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// await returns once the group has committed n records.
func (r *rig) await(ctx context.Context, n int) error {
	admin := kadm.NewClient(r.cl)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		offsets, err := admin.FetchOffsets(ctx, events.GroupLake)
		sum := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { sum += max(0, o.At) })
		if err == nil && sum >= int64(n) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// oneByOne is the loop that one would write first: an object for each event.
func oneByOne(ctx context.Context, r *rig, _ int, limit time.Duration) (result, error) {
	cl, err := kafka.NewClient(r.kafka, slog.New(slog.DiscardHandler),
		kgo.ConsumerGroup("naive"), kgo.ConsumeTopics(events.TopicLifecycle), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		return result{}, err
	}
	defer cl.Close()
	began, n := time.Now(), 0
	for time.Since(began) < limit {
		for _, record := range cl.PollRecords(ctx, 100).Records() {
			key := fmt.Sprintf("naive/%d-%020d.json", record.Partition, record.Offset)
			if err := r.store.PutNew(ctx, key, bytes.NewReader(record.Value), int64(len(record.Value)), nil); err != nil {
				return result{}, err
			}
			if err := cl.CommitRecords(ctx, record); err != nil {
				return result{}, err
			}
			n++
			if time.Since(began) >= limit {
				break
			}
		}
	}
	took := time.Since(began).Seconds()
	return result{Events: n, Seconds: took, PerS: float64(n) / took, Files: n}, nil
}

// watch returns the largest growth of memory over what was held before.
func watch(ctx context.Context, heap, all uint64) (r result) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		h, a := held()
		r.HeapMiB = max(r.HeapMiB, float64(h-min(h, heap))/(1<<20))
		r.AllMiB = max(r.AllMiB, float64(a-min(a, all))/(1<<20))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return r
		}
	}
}

// held is the memory of live and dead objects, and all that the runtime holds.
func held() (heap, all uint64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64() - samples[2].Value.Uint64()
}
