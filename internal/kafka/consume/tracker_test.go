package consume

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// oracle answers as a tracker does, in the simplest way: it remembers every record
// and looks at all of them.
type oracle struct {
	offsets []int64
	done    map[int64]bool
}

func (o *oracle) committable() (int64, bool) {
	at, ok := int64(0), false
	for _, offset := range o.offsets {
		if !o.done[offset] {
			break
		}
		at, ok = offset+1, true
	}
	return at, ok
}

func (o *oracle) open() int {
	n := len(o.offsets)
	for _, offset := range o.offsets {
		if !o.done[offset] {
			break
		}
		n--
	}
	return n
}

func TestTrackerAgreesWithTheOracle(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		compareWithOracle(t, rnd, fmt.Sprint("seed ", seed))
	}
}

// compareWithOracle runs random deliveries, with holes in the offsets,
// completions in random order, repeats and strangers among them.
func compareWithOracle(t *testing.T, rnd *rand.Rand, name string) {
	t.Helper()
	tr, want := newTracker(), &oracle{done: make(map[int64]bool)}
	next, before := rnd.Int64N(1000), int64(-1)
	var open []int64
	for range 400 {
		switch choice := rnd.IntN(10); {
		case choice < 4:
			next += 1 + rnd.Int64N(3)*rnd.Int64N(2)
			require.True(t, tr.add(next, int32(next%7)), name)
			want.offsets = append(want.offsets, next)
			open = append(open, next)
		case choice < 8 && len(open) > 0:
			i := rnd.IntN(len(open))
			tr.done(open[i])
			want.done[open[i]] = true
			open = append(open[:i], open[i+1:]...)
		case choice == 8 && len(want.offsets) > 0:
			again := want.offsets[rnd.IntN(len(want.offsets))]
			require.False(t, tr.add(again, 0), name)
			if want.done[again] {
				tr.done(again)
			}
		default:
			tr.done(next + 1 + rnd.Int64N(5))
		}
		at, ok := tr.committable()
		wantAt, wantOK := want.committable()
		require.Equal(t, wantOK, ok, name)
		require.Equal(t, want.open(), len(tr.records)-tr.head, name)
		if !ok {
			continue
		}
		require.Equal(t, wantAt, at.Offset, name)
		require.Equal(t, int32((at.Offset-1)%7), at.Epoch, name)
		require.GreaterOrEqual(t, at.Offset, before, "%s: a commit never goes backwards", name)
		before = at.Offset
	}
}

// However often and wherever a consumer crashes, the committed records and those
// delivered again are all records.
func TestNoRecordIsLostOverRestarts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		const records = 200
		handled := make([]bool, records)
		committed := int64(0)
		for committed < records {
			tr := newTracker()
			var open []int64
			for next := committed; next < records && rnd.IntN(50) > 0; next++ {
				tr.add(next, 0)
				open = append(open, next)
				for len(open) > 0 && rnd.IntN(3) > 0 {
					i := rnd.IntN(len(open))
					handled[open[i]] = true
					tr.done(open[i])
					open = append(open[:i], open[i+1:]...)
				}
				if at, ok := tr.committable(); ok && rnd.IntN(4) == 0 {
					committed = at.Offset
				}
			}
			if at, ok := tr.committable(); ok && rnd.IntN(2) == 0 {
				committed = at.Offset
			}
			for offset := range committed {
				require.True(t, handled[offset], "seed %d: committed past offset %d", seed, offset)
			}
		}
	}
}

func TestTrackerForgetsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	tr := newTracker()
	for offset := range int64(100_000) {
		tr.add(offset, 0)
		if offset >= 64 {
			tr.done(offset - 64)
		}
	}
	require.LessOrEqual(t, cap(tr.records), 1024)
	at, ok := tr.committable()
	require.True(t, ok)
	require.Equal(t, kgo.EpochOffset{Offset: 100_000 - 64}, at)
}
