package consume

import (
	"sort"

	"github.com/twmb/franz-go/pkg/kgo"
)

// tracker knows which records of one partition are handled, and from that how
// far the partition may be committed: up to, and not including, the lowest
// record that is not. It is pure bookkeeping, without locks.
//
// Kafka's offsets may have holes (transactions, compaction); what counts is
// the records that were delivered.
type tracker struct {
	// records are those delivered, ascending, from the lowest that is not
	// handled on; records before head are handled and await removal.
	records []tracked
	head    int
	// last is the highest offset delivered, -1 before the first.
	last int64
	// commit is what may be committed; known is false before there is any.
	commit kgo.EpochOffset
	known  bool
}

type tracked struct {
	offset int64
	epoch  int32
	done   bool
}

func newTracker() *tracker { return &tracker{last: -1} }

// add notes a delivered record. It is false, and nothing is noted, where the
// offset does not lie above every one before: then the log was truncated or
// reset, and what the tracker knows is about a log that no longer exists.
func (t *tracker) add(offset int64, epoch int32) bool {
	if offset <= t.last {
		return false
	}
	t.last = offset
	t.records = append(t.records, tracked{offset: offset, epoch: epoch})
	return true
}

// done notes that a record is handled for good. Offsets that were never added
// and repeats change nothing.
func (t *tracker) done(offset int64) {
	open := t.records[t.head:]
	i := sort.Search(len(open), func(i int) bool { return open[i].offset >= offset })
	if i == len(open) || open[i].offset != offset {
		return
	}
	open[i].done = true
	for t.head < len(t.records) && t.records[t.head].done {
		r := t.records[t.head]
		t.commit, t.known = kgo.EpochOffset{Epoch: r.epoch, Offset: r.offset + 1}, true
		t.head++
	}
	if t.head > len(t.records)/2 {
		t.records = t.records[:copy(t.records, t.records[t.head:])]
		t.head = 0
	}
}

// committable is the offset that may be committed; ok is false while no
// record has been handled at the low end.
func (t *tracker) committable() (at kgo.EpochOffset, ok bool) { return t.commit, t.known }
