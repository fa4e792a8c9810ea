// Command index measures the index's databases: how many events a second they take in
// batches, beside a loop that writes one at a time, and how long searches and lists
// take. It measures what the store does; reading Kafka is bench/bridge's subject.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"orak"
	"orak/sinks/index"
	"orak/sinks/index/indextest"
	"orak/sinks/index/postgres"
	"orak/sinks/index/sqlite"
)

const tenant orak.Tenant = "acme"

const (
	dimensions = 64
	batch      = 500
	// searches is how many searches, and lists, are timed.
	searches = 300
)

// options are the flags.
type options struct {
	events, vectors, rows int
	postgres              string
}

func main() {
	var o options
	flag.IntVar(&o.events, "events", 40_000, "events that are written in batches; a fortieth of them one at a time")
	flag.IntVar(&o.vectors, "vectors", 100_000, "vectors of the tenant that is searched")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the tenant that is listed")
	flag.StringVar(&o.postgres, "postgres", os.Getenv("ORAK_TEST_POSTGRES"), "URL of an empty database, as a user who may make databases; empty measures SQLite only")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench/index:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "orak-bench-index-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, VectorCache: 1 << 30})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := measure(ctx, "SQLite", file, o); err != nil || o.postgres == "" {
		return err
	}
	server, err := postgres.Open(postgres.Config{URL: o.postgres, Connections: 4, VectorCache: 1 << 30})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return measure(ctx, "PostgreSQL", server, o)
}

func measure(ctx context.Context, name string, store index.Store, o options) error {
	fmt.Printf("%s\n", name)
	w := &writer{store: store, random: rand.New(rand.NewPCG(1, 2))}
	// Each upload has three events, as in a run of the pipeline.
	perSecond, err := w.write(ctx, o.events, batch, w.event)
	if err != nil {
		return err
	}
	fmt.Printf("  events, batches of %d  %8.0f /s\n", batch, perSecond)
	if perSecond, err = w.write(ctx, o.events/40, 1, w.event); err != nil {
		return err
	}
	fmt.Printf("  events, one at a time   %8.0f /s\n", perSecond)
	if err := w.similar(ctx, o.vectors); err != nil {
		return err
	}
	return w.list(ctx, o.rows)
}

// writer writes events of one partition.
type writer struct {
	store  index.Store
	random *rand.Rand
	offset int64
}

// write writes n rows in batches of size and returns how many a second.
func (w *writer) write(ctx context.Context, n, size int, row func(int) index.Upload) (float64, error) {
	var took time.Duration
	for at := 0; at < n; at += size {
		rows := make([]index.Upload, 0, size)
		for i := at; i < min(at+size, n); i++ {
			rows = append(rows, row(i))
		}
		began := time.Now()
		if _, _, err := w.store.Apply(ctx, indextest.BatchOf(w.offset, rows...)); err != nil {
			return 0, err
		}
		took += time.Since(began)
		w.offset += int64(len(rows))
	}
	return float64(n) / took.Seconds(), nil
}

// event is the i-th event: uploads that are received, analyzed and completed.
func (w *writer) event(i int) index.Upload {
	n := i / 3
	switch i % 3 {
	case 0:
		return indextest.Queued(tenant, n)
	case 1:
		u := indextest.Queued(tenant, n)
		u.Status = orak.StatusAnalyzing
		return u
	default:
		return indextest.Completed(tenant, n, indextest.Vector(w.random, dimensions)...)
	}
}

// similar times searches among n vectors of a tenant.
func (w *writer) similar(ctx context.Context, n int) error {
	const searched orak.Tenant = "searched"
	base := 10_000_000
	if _, err := w.write(ctx, n, 10*batch, func(i int) index.Upload {
		return indextest.Completed(searched, base+i, indextest.Vector(w.random, dimensions)...)
	}); err != nil {
		return err
	}
	began := time.Now()
	search := func() error {
		_, err := w.store.Similar(ctx, index.Search{Tenant: searched, ID: indextest.ID(base + w.random.IntN(n)), K: 10})
		return err
	}
	if err := search(); err != nil {
		return err
	}
	fmt.Printf("  similar, %d × %d     first %v", n, dimensions, time.Since(began).Round(time.Millisecond))
	return quantiles(search)
}

// list times pages of n rows of a tenant: newest first, from any place, and filtered.
func (w *writer) list(ctx context.Context, n int) error {
	const listed orak.Tenant = "listed"
	base := 20_000_000
	if _, err := w.write(ctx, n, 10*batch, func(i int) index.Upload { return indextest.Completed(listed, base+i) }); err != nil {
		return err
	}
	// Lets PostgreSQL count the rows, as at the end of a rebuild.
	if err := w.store.Restore(ctx, nil, ""); err != nil {
		return err
	}
	for _, c := range []struct {
		name  string
		query func() index.Query
	}{
		{"newest", func() index.Query { return index.Query{} }},
		{"from any place", func() index.Query {
			return index.Query{Cursor: index.CursorOf(indextest.Queued(listed, base+w.random.IntN(n))).String()}
		}},
		{"of an owner", func() index.Query { return index.Query{Owner: fmt.Sprintf("user-%d", w.random.IntN(7))} }},
		{"of a status", func() index.Query { return index.Query{Statuses: []orak.Status{orak.StatusCompleted}} }},
		{"of a key", func() index.Query { return index.Query{Tonic: orak.PitchClasses()[w.random.IntN(12)]} }},
	} {
		fmt.Printf("  list, %d rows, %-15s", n, c.name)
		if err := quantiles(func() error {
			q := c.query()
			q.Tenant, q.Limit = listed, 50
			_, err := w.store.List(ctx, q)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// quantiles times calls and prints the median and the 99th percentile.
func quantiles(call func() error) error {
	times := make([]time.Duration, searches)
	for i := range times {
		began := time.Now()
		if err := call(); err != nil {
			return err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	fmt.Printf("  p50 %v  p99 %v\n", times[searches/2].Round(10*time.Microsecond), times[searches*99/100].Round(10*time.Microsecond))
	return nil
}
