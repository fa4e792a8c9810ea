package lake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/sinks/lake"
	"orak/sinks/lake/laketest"
)

// tomorrow is when every day of a Source has finished.
var tomorrow = laketest.Start.AddDate(1, 0, 0)

// compact runs whole compactions, page by page, until one succeeds.
func compact(t *testing.T, s lake.Store, grace time.Duration) activities.LakeCounts {
	t.Helper()
	return compactAt(t, s, grace, activities.LakePage{Began: tomorrow})
}

func compactAt(t *testing.T, s lake.Store, grace time.Duration, page activities.LakePage) (counts activities.LakeCounts) {
	t.Helper()
	c := lake.NewCompactor(lake.CompactConfig{Size: 1 << 20, Grace: grace}, s, quiet(), nil)
	for {
		done, err := c.Compact(t.Context(), page)
		if err != nil {
			require.ErrorIs(t, err, errKilled)
			continue // the activity is tried again
		}
		counts = counts.Plus(done.Counts)
		if page.Cursor = done.Cursor; page.Cursor == "" {
			return counts
		}
	}
}

// visible are the offsets that a query sees that takes one row of each.
func visible(t *testing.T, s lake.Store) expected {
	t.Helper()
	c, err := laketest.ReadAll(t.Context(), s)
	require.NoError(t, err)
	got := offsetsOf(c)
	return expected{slices.Compact(got.lifecycle), slices.Compact(got.analyses)}
}

// The writer and the compaction take turns, and both die at any put. What a query sees
// is all that was committed, at every moment.
func TestCompactionKeepsEveryRowThroughAnyCrash(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 5))
			s := openStore(t)
			records, want := partitionOf(seed, 100)
			d := &deadly{Store: s, rng: rand.New(rand.NewPCG(seed, 6))}
			d.every.Store(6)
			committed := 0
			for committed < len(records) {
				w, at := lake.NewWriter(d), committed
				for range 1 + rng.IntN(8) {
					n := min(1+rng.IntN(15), len(records)-at)
					if n == 0 || w.Write(t.Context(), records[at:at+n], 1) != nil {
						break
					}
					at += n
				}
				if rng.IntN(2) == 0 || at == len(records) {
					committed = at
				}
				if rng.IntN(2) == 0 {
					compact(t, d, []time.Duration{time.Nanosecond, time.Hour}[rng.IntN(2)])
				}
				requirePrefix(t, want, visible(t, s), records, committed)
			}
			compact(t, d, time.Nanosecond) // compacts what is left
			compact(t, d, time.Nanosecond) // removes what was replaced
			c := requireRows(t, s, want)
			days := make(map[string]bool)
			for _, file := range c.Files {
				days[path.Dir(file)] = true
			}
			require.LessOrEqual(t, len(c.Files), len(days), "a table, day and partition has one file: %v", c.Files)
		})
	}
}

// requirePrefix requires that all rows that were committed are seen, and no others
// than what was produced.
func requirePrefix(t *testing.T, want, got expected, records []*kgo.Record, committed int) {
	t.Helper()
	limit := int64(-1)
	if committed > 0 {
		limit = records[committed-1].Offset
	}
	for _, table := range [][2][]int64{{want.lifecycle, got.lifecycle}, {want.analyses, got.analyses}} {
		for _, offset := range table[0] {
			if offset <= limit {
				require.Contains(t, table[1], offset)
			}
		}
		for _, offset := range table[1] {
			require.Contains(t, table[0], offset)
		}
	}
}

func TestErasedUploadIsGoneAndStaysGone(t *testing.T) {
	t.Parallel()
	s, source := openStore(t), laketest.NewSource(5)
	source.Step = 30 * time.Minute
	var records []*kgo.Record
	add := func(r *kgo.Record) { records = append(records, r) }
	for offset := range int64(100) {
		e, _ := source.Next()
		add(source.Record(e, 2, offset))
	}
	erased := source.Uploads[3]
	add(source.Record(source.Erase(erased), 2, 100))
	for at := 0; at < len(records); at += 20 {
		require.NoError(t, lake.NewWriter(s).Write(t.Context(), records[at:min(at+20, len(records))], 1))
	}
	require.Positive(t, rowsOf(t, s, erased.ID))
	before := len(visible(t, s).lifecycle)

	counts := compact(t, s, time.Hour)
	require.Positive(t, counts.ErasedRows)
	require.Positive(t, rowsOf(t, s, erased.ID), "queries may still read what was replaced")
	compact(t, s, time.Nanosecond)
	require.Zero(t, rowsOf(t, s, erased.ID))
	left := len(visible(t, s).lifecycle)
	require.Less(t, left, before)

	// Records that are delivered again are not taken for new ones.
	require.NoError(t, lake.NewWriter(s).Write(t.Context(), records[10:90], 1))
	require.Zero(t, rowsOf(t, s, erased.ID))
	require.Len(t, visible(t, s).lifecycle, left)

	// A run after one that has seen the erasure reads no file, and one of a late event
	// is found.
	now := time.Now()
	require.Zero(t, compactAt(t, s, time.Nanosecond, activities.LakePage{Began: now, Since: now.Add(time.Hour)}).Compacted)
	late, _ := source.Event(events.Converted, events.Lifecycle{Upload: erased, Status: orak.StatusAnalyzing})
	require.NoError(t, lake.NewWriter(s).Write(t.Context(), []*kgo.Record{source.Record(late, 2, 101)}, 1))
	require.Equal(t, 1, rowsOf(t, s, erased.ID))
	for range 2 {
		compactAt(t, s, time.Nanosecond, activities.LakePage{Began: now, Since: now})
	}
	require.Zero(t, rowsOf(t, s, erased.ID))
}

// The files of a day that has not finished are rewritten for erasures only.
func TestFilesOfTodayAreRewrittenForErasuresOnly(t *testing.T) {
	t.Parallel()
	s, source := openStore(t), laketest.NewSource(6)
	source.Step = time.Second
	w := lake.NewWriter(s)
	for offset := range int64(10) {
		e, _ := source.Next()
		require.NoError(t, w.Write(t.Context(), []*kgo.Record{source.Record(e, 0, offset)}, 1))
	}
	erased := source.Uploads[0]
	require.NoError(t, w.Write(t.Context(), []*kgo.Record{source.Record(source.Erase(erased), 0, 10)}, 1))
	c := lake.NewCompactor(lake.CompactConfig{Size: 1 << 20, Grace: time.Nanosecond}, s, quiet(), nil)
	for range 2 {
		_, err := c.Compact(t.Context(), activities.LakePage{Began: laketest.Start.Add(time.Hour)})
		require.NoError(t, err)
	}
	require.Zero(t, rowsOf(t, s, erased.ID))
	all, err := laketest.ReadAll(t.Context(), s)
	require.NoError(t, err)
	require.Greater(t, len(all.Files), 10)
}

func rowsOf(t *testing.T, s lake.Store, id orak.UploadID) (n int) {
	t.Helper()
	c, err := laketest.ReadAll(context.Background(), s)
	require.NoError(t, err)
	for _, r := range c.Lifecycle {
		if r.UploadID == string(id) {
			n++
		}
	}
	for _, r := range c.Analyses {
		if r.UploadID == string(id) {
			n++
		}
	}
	return n
}
