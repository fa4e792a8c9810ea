package lake

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka/deadletter"
)

// batch is what a batch of records becomes.
type batch struct {
	topic     string
	partition int32
	// last is the offset of the last record.
	last      int64
	lifecycle map[string][]LifecycleRow // by day
	analyses  map[string][]AnalysisRow
	erased    []erasure
	// unreadable are the records that become dead letters.
	unreadable []deadletter.Letter
	// skipped counts events of types that this version does not know.
	skipped int
}

// erasure is an upload whose rows are to be removed, and the offset that says so.
type erasure struct {
	id     orak.UploadID
	offset int64
}

// read reads records of one partition, in the order of their offsets. The same
// records always give the same rows, on the same days.
func read(records []*kgo.Record, now time.Time) *batch {
	head := records[0]
	b := &batch{
		topic: head.Topic, partition: head.Partition, last: records[len(records)-1].Offset,
		lifecycle: make(map[string][]LifecycleRow), analyses: make(map[string][]AnalysisRow),
	}
	for _, r := range records {
		b.add(r, now)
	}
	return b
}

func (b *batch) add(r *kgo.Record, now time.Time) {
	e, err := events.FromRecord(r)
	if errors.Is(err, events.ErrUnknownType) {
		b.skipped++
		return
	}
	var l events.Lifecycle
	if err == nil {
		l, err = e.Lifecycle()
	}
	if err != nil {
		b.unreadable = append(b.unreadable, deadletter.Of(r, orak.AsFault(err), now))
		return
	}
	o := originOf(r, e, l)
	day := eventTime(r, e).Format(dayLayout)
	b.lifecycle[day] = append(b.lifecycle[day], lifecycleRow(o, e, l))
	if e.Type == events.Completed && l.Analysis != nil {
		b.analyses[day] = append(b.analyses[day], analysisRow(o, l.Analysis))
	}
	if e.Type == events.Erased {
		b.erased = append(b.erased, erasure{l.Upload.ID, r.Offset})
	}
}

// days returns the keys of byDay in their order.
func days[T any](byDay map[string][]T) []string {
	all := make([]string, 0, len(byDay))
	for day := range byDay {
		all = append(all, day)
	}
	slices.Sort(all)
	return all
}

// behind returns the rows whose offset is above last.
func behind[T row](rows []T, last int64) []T {
	i, _ := slices.BinarySearchFunc(rows, last+1, func(r T, offset int64) int { return cmp.Compare(r.origin().Offset, offset) })
	return rows[i:]
}
