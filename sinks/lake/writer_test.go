package lake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/internal/app/lakestore"
	"orak/internal/objectstore"
	"orak/sinks/lake"
	"orak/sinks/lake/laketest"
	"orak/test/stack"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// openStore makes a bucket for t in the real store.
func openStore(t *testing.T) lakestore.Store {
	t.Helper()
	servers := stack.Start(t)
	s, err := objectstore.New(objectstore.Config{
		Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey, Bucket: servers.Bucket(t),
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return lakestore.New(s)
}

// errKilled stands for the end of a process.
var errKilled = errors.New("killed")

// deadly is a store at which processes die: before a put, or after it and before they
// learn of it.
type deadly struct {
	lake.Store
	mu  sync.Mutex
	rng *rand.Rand
	// every is how many puts one death comes to; 0 stops that.
	every atomic.Int64
}

func (d *deadly) dies() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.every.Load()
	return n > 0 && d.rng.Int64N(n) == 0
}

func (d *deadly) PutNew(ctx context.Context, key string, body io.Reader, size int64, meta map[string]string) error {
	if d.dies() {
		return errKilled
	}
	err := d.Store.PutNew(ctx, key, body, size, meta)
	if d.dies() {
		return errKilled
	}
	return err
}

// forgetful is a store without conditional writes, which ignores If-None-Match.
type forgetful struct{ lake.Store }

func (f forgetful) PutNew(ctx context.Context, key string, body io.Reader, size int64, meta map[string]string) error {
	if err := f.Delete(ctx, key); err != nil {
		return err
	}
	return f.Store.PutNew(ctx, key, body, size, meta)
}

func TestStoreWithoutConditionalWritesIsRefused(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	records, _ := partitionOf(1, 10)
	err := lake.NewWriter(forgetful{store}).Write(t.Context(), records, 1)
	require.ErrorContains(t, err, "If-None-Match")
	for o, err := range store.List(t.Context(), lake.Prefix, "") {
		require.NoError(t, err)
		require.NotContains(t, o.Key, "parquet")
	}
	require.NoError(t, lake.NewWriter(store).Write(t.Context(), records, 1))
}

// The time of a record is any number that its producer wrote.
func TestTimesFarAwayStayInFoldersThatAreRead(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	for n, at := range []time.Time{time.UnixMilli(1 << 50), time.UnixMilli(-1 << 50), time.UnixMilli(math.MaxInt64), time.UnixMilli(math.MinInt64)} {
		records, _ := partitionOf(uint64(n), 40)
		for _, r := range records {
			r.Timestamp = at
		}
		require.NoError(t, lake.NewWriter(store).Write(t.Context(), records, 1))
	}
	for o, err := range store.List(t.Context(), lake.Prefix+string(lake.Lifecycle), "") {
		require.NoError(t, err)
		require.Regexp(t, `/dt=\d{4}-\d\d-\d\d/`, o.Key)
	}
}

// partitionOf makes n records of partition 3, with gaps in their offsets as
// transactions leave them, and some that are no rows.
func partitionOf(seed uint64, n int) (records []*kgo.Record, want expected) {
	rng, source := rand.New(rand.NewPCG(seed, 2)), laketest.NewSource(seed)
	offset := int64(rng.IntN(1000))
	for range n {
		offset += 1 + int64(rng.IntN(8)/7)
		e, l := source.Next()
		r := source.Record(e, 3, offset)
		records = append(records, r)
		switch {
		case rng.IntN(20) == 0: // cannot be read
			r.Value = []byte("{")
			continue
		case l.Analysis != nil:
			want.analyses = append(want.analyses, offset)
		}
		want.lifecycle = append(want.lifecycle, offset)
	}
	return records, want
}

// expected are the offsets that the tables are to have.
type expected struct{ lifecycle, analyses []int64 }

// requireRows requires that the lake has each of want in one file, once.
func requireRows(t *testing.T, s lake.Store, want expected) *laketest.Contents {
	t.Helper()
	c, err := laketest.ReadAll(t.Context(), s)
	require.NoError(t, err)
	got := offsetsOf(c)
	require.Equal(t, want.lifecycle, got.lifecycle)
	require.Equal(t, want.analyses, got.analyses)
	return c
}

func offsetsOf(c *laketest.Contents) (got expected) {
	for _, r := range c.Lifecycle {
		got.lifecycle = append(got.lifecycle, r.Offset)
	}
	for _, r := range c.Analyses {
		got.analyses = append(got.analyses, r.Offset)
	}
	slices.Sort(got.lifecycle)
	slices.Sort(got.analyses)
	return got
}

// A process reads from the last commit in batches of other sizes than the ones before
// it, dies at any put, and may have committed less than it has written. Two of them
// believe that they own the partition.
func TestEveryRecordIsInOneFileThroughAnyCrash(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			records, want := partitionOf(seed, 120)
			s := openStore(t)
			d := &deadly{Store: s, rng: rand.New(rand.NewPCG(seed, 3))}
			d.every.Store(4)
			var committed atomic.Int64
			var writers sync.WaitGroup
			for i := range 2 {
				writers.Go(func() { writeAll(t.Context(), d, records, &committed, rand.New(rand.NewPCG(seed, 4+uint64(i)))) })
			}
			writers.Wait()
			requireRows(t, s, want)
		})
	}
}

// writeAll is one process after the other, each of which begins where the last one
// that committed ended. committed is an index of records.
func writeAll(ctx context.Context, s lake.Store, records []*kgo.Record, committed *atomic.Int64, rng *rand.Rand) {
	for int(committed.Load()) < len(records) {
		w, at := lake.NewWriter(s), int(committed.Load())
		for at < len(records) {
			n := min(1+rng.IntN(40), len(records)-at)
			if w.Write(ctx, records[at:at+n], 1) != nil {
				break // the process is dead
			}
			at += n
			if rng.IntN(3) > 0 { // the next one begins further back otherwise
				commit(committed, int64(at))
			}
		}
		if at == len(records) {
			commit(committed, int64(at))
		}
	}
}

// commit never goes backwards, as the broker's fencing has it.
func commit(committed *atomic.Int64, at int64) {
	for {
		now := committed.Load()
		if at <= now || committed.CompareAndSwap(now, at) {
			return
		}
	}
}

func TestLakeHasNoPersonalData(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	records, want := partitionOf(99, 200)
	require.NoError(t, lake.NewWriter(s).Write(t.Context(), records, 1))
	c := requireRows(t, s, want)
	require.Contains(t, string(records[0].Value), laketest.Sentinel)
	for _, file := range c.Files {
		require.NotContains(t, file, laketest.Sentinel)
		require.NotContains(t, string(c.Data[file]), laketest.Sentinel)
	}
	// The files are compressed: what their rows say counts.
	require.NotContains(t, fmt.Sprintf("%+v %+v", c.Lifecycle, c.Analyses), laketest.Sentinel)
}

func TestFilesAreNamedByTheirFirstOffset(t *testing.T) {
	t.Parallel()
	s, source := openStore(t), laketest.NewSource(1)
	source.Step = 1
	var records []*kgo.Record
	for offset := range int64(5) {
		e, _ := source.Next()
		records = append(records, source.Record(e, 7, 40+offset))
	}
	require.NoError(t, lake.NewWriter(s).Write(t.Context(), records, 1))
	c, err := laketest.ReadAll(t.Context(), s)
	require.NoError(t, err)
	const file = "lake/v1/lifecycle/dt=2026-03-14/orak.lifecycle-7-00000000000000000040.parquet"
	require.Contains(t, c.Files, file)
	meta, err := s.Metadata(t.Context(), file)
	require.NoError(t, err)
	require.Equal(t, "44", meta["orak-last-offset"])
	require.Equal(t, source.Uploads[0].ReceivedAt.UnixMicro(), c.Lifecycle[0].ReceivedAt)
	require.Equal(t, string(source.Uploads[0].ID), c.Lifecycle[0].UploadID)
}
