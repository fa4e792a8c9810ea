package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/activities"
	"orak/events"
	"orak/sinks/lake"
	"orak/sinks/lake/laketest"
)

// deadly is a store at which processes die: before a put, or after it and before they
// learn of it.
type deadly struct {
	lake.Store
	mu  sync.Mutex
	rng *rand.Rand
	// rare lets most runs of the compaction reach their end.
	off, rare atomic.Bool
}

var errKilled = errors.New("killed")

func (d *deadly) dies() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 8
	if d.rare.Load() {
		n = 50
	}
	return !d.off.Load() && d.rng.IntN(n) == 0
}

// PutNew implements lake.Store.
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

// Writers and compactions are killed at random, others take over, and DuckDB asks
// without a pause: it sees at least what was committed before its query, and at the end
// what was produced.
func TestDuckDBSeesEveryRowOnceAtEveryMoment(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { moments(t, seed) })
	}
}

// grace is longer than the queries here.
const grace = 4 * time.Second

func moments(t *testing.T, seed uint64) {
	servers, bucket, store := openLake(t)
	cfg, cl := broker(t)
	source, faulty := laketest.NewSource(seed), &deadly{Store: store, rng: rand.New(rand.NewPCG(seed, 8))}
	source.Step = 10 * time.Minute
	produced, analyses := 0, 0
	produce := func(n int) {
		var records []*kgo.Record
		for range n {
			e, l := source.Next()
			if l.Analysis != nil {
				analyses++
			}
			records = append(records, e.Record(events.TopicLifecycle))
		}
		require.NoError(t, cl.ProduceSync(t.Context(), records...).FirstErr())
		produced += n
	}
	produce(200)
	first := startLake(t, cfg, cl, store, 20)
	awaitCommitted(t, cl, 200)
	stop(t, first)
	d := startDuck(t, servers, bucket)
	createViews(t, d, bucket)

	ending, cancel := context.WithCancel(t.Context())
	var asking, compacting sync.WaitGroup
	queries := 0
	asking.Go(func() {
		for ending.Err() == nil {
			committed := committed(cl)
			rows, err := d.ask("SELECT count(*), count(DISTINCT event_id) FROM lifecycle")
			if err != nil || rows[0][0] != rows[0][1] || int(rows[0][0].(float64)) < committed {
				t.Errorf("query %d: %v %v; at least %d rows were committed", queries, rows, err, committed)
				return
			}
			queries++
		}
	})
	compacted, removed, kills := activities.LakeCounts{}, atomic.Int64{}, 0
	compacting.Go(func() {
		for ending.Err() == nil {
			done, err := compact(ending, faulty, grace)
			compacted = compacted.Plus(done)
			removed.Store(int64(compacted.Removed))
			if errors.Is(err, errKilled) {
				kills++
			}
		}
	})
	for range 4 {
		a, b := startLake(t, cfg, cl, faulty, 5+int(seed)*20), startLake(t, cfg, cl, faulty, 50)
		before := committed(cl)
		produce(200)
		awaitCommitted(t, cl, before+100)
		gone, cut := context.WithCancel(t.Context())
		cut()
		_, _ = a.Stop(gone), b.Stop(gone)
	}
	faulty.rare.Store(true)
	require.Eventually(t, func() bool { return removed.Load() > 0 }, within, 50*time.Millisecond)
	cancel()
	asking.Wait()
	compacting.Wait()
	faulty.off.Store(true)
	last := startLake(t, cfg, cl, store, 100)
	defer stop(t, last)
	awaitCommitted(t, cl, produced)

	erased := source.Uploads[1]
	require.NoError(t, cl.ProduceSync(t.Context(), source.Erase(erased).Record(events.TopicLifecycle)).FirstErr())
	require.Equal(t, []any{float64(produced), float64(produced)}, one(t, d, "SELECT count(*), count(DISTINCT event_id) FROM lifecycle WHERE type <> 'orak.upload.erased'"))
	require.Equal(t, []any{float64(analyses)}, one(t, d, "SELECT count(*) FROM analyses"))
	awaitCommitted(t, cl, produced+1)
	of := "SELECT count(*) FROM lifecycle WHERE upload_id = '" + string(erased.ID) + "'"
	require.NotEqual(t, []any{0.0}, one(t, d, of))
	for range 2 {
		_, err := compact(t.Context(), store, time.Nanosecond)
		require.NoError(t, err)
	}
	require.Equal(t, []any{0.0}, one(t, d, of))
	c, err := laketest.ReadAll(t.Context(), store)
	require.NoError(t, err)
	require.Len(t, c.Lifecycle, int(one(t, d, "SELECT count(*) FROM lifecycle")[0].(float64)), "no file has a row of another")
	t.Logf("%d events, %d queries meanwhile, %d compactions killed, %+v; %d files at the end", produced, queries, kills, compacted, len(c.Files))
	require.Positive(t, queries)
	require.Positive(t, kills)
}

func one(t *testing.T, d *duck, sql string) []any {
	t.Helper()
	rows, err := d.ask(sql)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	return rows[0]
}

// compact runs one compaction, of which every day has finished.
func compact(ctx context.Context, s lake.Store, grace time.Duration) (counts activities.LakeCounts, err error) {
	c := lake.NewCompactor(lake.CompactConfig{Size: 1 << 20, Grace: grace}, s, quiet(), nil)
	page := activities.LakePage{Began: laketest.Start.AddDate(1, 0, 0)}
	for {
		done, err := c.Compact(ctx, page)
		counts = counts.Plus(done.Counts)
		if page.Cursor = done.Cursor; err != nil || page.Cursor == "" {
			return counts, err
		}
	}
}

// committed is how many records the group has handled; 0 while that is not known.
func committed(cl *kgo.Client) (sum int) {
	offsets, err := kadm.NewClient(cl).FetchOffsets(context.Background(), events.GroupLake)
	if err != nil {
		return 0
	}
	offsets.Each(func(o kadm.OffsetResponse) { sum += int(max(0, o.At)) })
	return sum
}

func awaitCommitted(t *testing.T, cl *kgo.Client, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return committed(cl) >= n }, within, 20*time.Millisecond)
}
