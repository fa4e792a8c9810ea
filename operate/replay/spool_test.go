package replay

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

var many = flag.Int("records", 300_000, "how many records TestPlanOfManyRecordsHasBoundedMemory has")

func numbered(i int) orak.UploadID {
	return orak.UploadID(fmt.Sprintf("0195a2b4-7c3d-7e8f-9a0b-%012x", i))
}

func TestSpoolKeepsTheEntriesOfAnUploadTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1000, 10} {
		s := &spool{inMemory: limit}
		defer s.close()
		var want []entry
		for i := range 600 {
			e := entry{entryKind(i / 200), Announcement{ID: numbered(i % 200), Tenant: orak.Tenant(strings.Repeat("t", 1+i%63)),
				Position: Position{Partition: int32(i % 7), Offset: int64(i) << 30, Entry: int32(i % 3)}}}
			want = append(want, e)
			require.NoError(t, s.add(e))
		}
		require.Equal(t, limit < 600, s.disk != nil)
		var got []entry
		seen := map[orak.UploadID]int{}
		call := 0
		require.NoError(t, s.each(func(some []entry) error {
			call++
			for _, e := range some {
				if in, ok := seen[e.ID]; ok {
					require.Equal(t, call, in, "an upload is in one call")
				}
				seen[e.ID] = call
			}
			got = append(got, some...)
			return nil
		}))
		byID := func(a, b entry) int { return strings.Compare(string(a.ID), string(b.ID)) }
		slices.SortStableFunc(got, byID)
		slices.SortStableFunc(want, byID)
		require.Equal(t, want, got)
		require.Equal(t, 600, s.n)
	}
}

func TestSpoolThatWasCutIsAnError(t *testing.T) {
	t.Parallel()
	s := &spool{}
	defer s.close()
	require.NoError(t, s.add(entry{announced, Announcement{ID: numbered(1), Tenant: "choir", Position: Position{Offset: 1 << 40}}}))
	for _, b := range s.disk {
		require.NoError(t, b.w.Flush())
		if end, err := b.file.Seek(0, 2); err == nil && end > 0 {
			require.NoError(t, b.file.Truncate(end-1))
		}
	}
	require.ErrorContains(t, s.each(func([]entry) error { return nil }), "unexpected EOF")
}

// Nothing of the disk is left behind, even by a process that is killed.
func TestSpoolHasNoFilesThatOthersSee(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := &spool{}
	defer s.close()
	require.NoError(t, s.add(entry{announced, Announcement{ID: numbered(1), Tenant: "choir"}}))
	require.NotNil(t, s.disk)
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
	t.Setenv("TMPDIR", "/nowhere")
	require.ErrorContains(t, (&spool{}).add(entry{announced, Announcement{ID: numbered(1)}}), "/nowhere (TMPDIR)")
}

func TestChoiceKnowsWhatWasChosen(t *testing.T) {
	t.Parallel()
	c := newChoice()
	chosen := map[Position]State{
		{Offset: 0}: Missing, {Offset: 4095}: Failed, {Offset: 4096}: Completed, {Offset: 1 << 40, Partition: 3999}: Withdrawn,
		{Offset: 4096, Entry: 2}: Missing,
	}
	for at, s := range chosen {
		c.add(at, s)
	}
	for at, s := range chosen {
		require.Equal(t, s, c.of(at))
		at.Entry++
		require.Empty(t, c.of(at))
	}
	require.Equal(t, map[int32]Bounds{0: {Next: 0, End: 4097}, 3999: {Next: 1 << 40, End: 1<<40 + 1}}, c.bounds)
}

// received returns records that announce uploads, the last two a second time.
func received(t *testing.T, from, n int) []*kgo.Record {
	t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		id := numbered(from + i)
		e, err := events.NewReceived(orak.Upload{
			ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), ContentType: "audio/wav", Filename: "a.wav",
			Size: 10, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now().UTC().Truncate(time.Millisecond),
		})
		require.NoError(t, err)
		records[i] = e.Record(events.TopicUploads)
		records[i].Partition, records[i].Offset, records[i].Timestamp = int32((from+i)%12), int64((from+i)/12), time.Now()
	}
	return records
}

// heap returns the bytes in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Each record costs disk, and a byte of memory where it is chosen. What asks Temporal
// is left out: it has one request of maxPoll uploads at a time.
func TestPlanOfManyRecordsHasBoundedMemory(t *testing.T) {
	n := *many
	before := heap()
	p := newPlan(Selection{Only: []State{Missing}}, time.Now())
	s := &surveyor{plan: p, selected: map[orak.UploadID]bool{}, spool: &spool{inMemory: 1000}}
	defer s.spool.close()
	peak := before
	const batch = 10_000
	for from := 0; from < n; from += batch {
		require.NoError(t, s.sift(received(t, from, batch)))
		peak = max(peak, heap())
	}
	require.NoError(t, s.sift(received(t, 0, batch)), "announced again")
	var disk int64
	for _, b := range s.spool.disk {
		require.NoError(t, b.w.Flush())
		info, err := b.file.Stat()
		require.NoError(t, err)
		disk += info.Size()
	}
	judged := 0
	require.NoError(t, s.judge(func(some []Announcement, gone map[withdrawal]bool) error {
		for _, a := range some {
			s.count(a, workflowState{state: Missing}, gone[withdrawal{a.ID, a.Tenant}])
		}
		if judged += len(some); judged/20_000 != (judged-len(some))/20_000 {
			peak = max(peak, heap())
		}
		return nil
	}))
	require.Equal(t, n, p.Total())
	require.Equal(t, batch, p.Repeats)
	last := Position{Partition: int32((n - 1) % 12), Offset: int64((n - 1) / 12)}
	require.Equal(t, Missing, p.chosen.of(last))
	grown := float64(peak - before)
	t.Logf("%d records: %.1f MiB of memory at most, %.1f bytes of disk for a record", n, grown/(1<<20), float64(disk)/float64(n+batch))
	// Buffers of the buckets, one bucket with its maps, and the choice.
	require.Less(t, grown, 24*(1<<20)+float64(n)/buckets*500+2*float64(n))
}
