package lag

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Hot are the most frequent keys and partitions of the last records of a topic.
type Hot struct {
	Topic string `json:"topic"`
	// Records is how many records were read, and Since the timestamp of the
	// oldest; zero if none was read.
	Records int64     `json:"records"`
	Since   time.Time `json:"since"`
	// Keys are the most frequent keys, the hottest first.
	Keys []Count `json:"keys"`
	// Partitions are all partitions with a record, the hottest first.
	Partitions []PartitionCount `json:"partitions"`
}

// Count is how often a key was read.
type Count struct {
	Key   string `json:"key"`
	Count int64  `json:"count"`
	// Error is always 0: a count is exact. Programs that read the JSON may
	// subtract it.
	Error int64 `json:"error"`
}

// PartitionCount is how many records a partition had.
type PartitionCount struct {
	Partition int32 `json:"partition"`
	Records   int64 `json:"records"`
}

// maxKeys bounds how many different keys are counted. A key that first appears
// after so many others is not counted, however frequent it becomes.
const maxKeys = 100_000

// hotWithin bounds the reading of records.
const hotWithin = 20 * time.Second

// Hottest reads the last records of a topic, about n and no more, and returns their
// most frequent keys, at most top. It reads the same span of time from every
// partition, so that a busy one shows as busy.
func (s *Sampler) Hottest(ctx context.Context, topic string, n int64, top int) (Hot, error) {
	from, until, err := s.lastRecords(ctx, topic, n)
	if err != nil {
		return Hot{}, err
	}
	hot := Hot{Topic: topic}
	keys := make(map[string]int64)
	partitions := make(map[int32]int64)
	err = s.read(ctx, from, until, func(r *kgo.Record) {
		hot.Records++
		partitions[r.Partition]++
		countKey(keys, r.Key, maxKeys)
		if hot.Since.IsZero() || r.Timestamp.Before(hot.Since) {
			hot.Since = r.Timestamp
		}
	})
	if err != nil {
		return Hot{}, err
	}
	hot.Keys = make([]Count, 0, len(keys))
	for key, count := range keys {
		hot.Keys = append(hot.Keys, Count{Key: key, Count: count})
	}
	slices.SortFunc(hot.Keys, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key))
	})
	hot.Keys = hot.Keys[:min(top, len(hot.Keys))]
	hot.Partitions = make([]PartitionCount, 0, len(partitions))
	for p, records := range partitions {
		hot.Partitions = append(hot.Partitions, PartitionCount{p, records})
	}
	slices.SortFunc(hot.Partitions, func(a, b PartitionCount) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Partition, b.Partition))
	})
	return hot, nil
}

// countKey counts key, unless it would be one more than room.
func countKey(counts map[string]int64, key []byte, room int) {
	if _, known := counts[string(key)]; known || len(counts) < room {
		counts[string(key)]++
	}
}

// farBack bounds the age of the records that lastRecords finds.
const farBack = 30 * 24 * time.Hour

// lastRecords returns the offsets of the last n records or somewhat fewer of a
// topic, and its ends. It halves the span of time until the records in it are too
// few, and then takes from each partition its share of the last span.
func (s *Sampler) lastRecords(ctx context.Context, topic string, n int64) (from, until map[Partition]int64, err error) {
	starts, err := s.list(ctx, topic, s.adm.ListStartOffsets)
	if err != nil {
		return nil, nil, err
	}
	until, err = s.list(ctx, topic, s.adm.ListCommittedOffsets)
	if err != nil {
		return nil, nil, err
	}
	from = starts
	now := time.Now()
	for back := farBack; total(from, until) > n && back > time.Millisecond; back /= 2 {
		later, err := s.list(ctx, topic, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return s.adm.ListOffsetsAfterMilli(ctx, now.Add(-back).UnixMilli(), topics...)
		})
		if err != nil {
			return nil, nil, err
		}
		if total(later, until) < n {
			break // the span before has enough, and is cut to size
		}
		from = later
	}
	if all := total(from, until); all > n {
		for p, end := range until {
			from[p] = end - (end-from[p])*n/all
		}
	}
	return from, until, nil
}

func total(from, until map[Partition]int64) int64 {
	var sum int64
	for p, end := range until {
		sum += max(0, end-from[p])
	}
	return sum
}

func (s *Sampler) list(ctx context.Context, topic string, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[Partition]int64, error) {
	listed, err := ask(ctx, topic)
	if err != nil {
		return nil, unreachable("listing offsets", err)
	}
	if err := listed.Error(); err != nil {
		return nil, fmt.Errorf("listing offsets of %s: %w", topic, err)
	}
	offsets := make(map[Partition]int64)
	listed.Each(func(o kadm.ListedOffset) { offsets[Partition{o.Topic, o.Partition}] = o.Offset })
	return offsets, nil
}

// read calls visit for the records of each partition between two offsets. Records
// that do not arrive within hotWithin are left out.
func (s *Sampler) read(ctx context.Context, from, until map[Partition]int64, visit func(*kgo.Record)) error {
	waiting := make(map[Partition]int64)
	for p, end := range until {
		if from[p] < end {
			waiting[p] = from[p]
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, hotWithin)
	defer cancel()
	cl, err := s.open(kgo.ConsumePartitions(consumeFrom(waiting)), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(waiting) > 0 && bounded.Err() == nil {
		fetches := cl.PollFetches(bounded)
		fetches.EachRecord(func(r *kgo.Record) {
			p := Partition{r.Topic, r.Partition}
			if _, wanted := waiting[p]; wanted && r.Offset < until[p] && !r.Attrs.IsControl() {
				visit(r)
			}
			if r.Offset >= until[p]-1 {
				delete(waiting, p)
			}
		})
	}
	if ctx.Err() != nil {
		return unreachable("reading records", ctx.Err())
	}
	return nil
}
