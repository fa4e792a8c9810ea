package lag

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// position is the position of a group in a partition.
type position struct {
	Partition
	offset int64
}

// agesWithin bounds the reading of records for their timestamps. Those that have
// not arrived by then stay unknown until the next look.
const agesWithin = 3 * time.Second

// fillAges adds to each sample with a lag the timestamp of the first record that is
// not committed. It is best effort: offsets are useful without timestamps.
func (s *Sampler) fillAges(ctx context.Context, looks []Look) {
	ages := make(map[position]time.Time)
	var missing []position
	eachBehind(looks, func(_ Look, at position) {
		age, known := s.ages[at]
		if _, seen := ages[at]; !known && !seen {
			missing = append(missing, at)
		}
		ages[at] = age
	})
	// Two groups may have different positions in one partition.
	for len(missing) > 0 && ctx.Err() == nil {
		round := make(map[Partition]int64)
		var later []position
		for _, at := range missing {
			if _, taken := round[at.Partition]; taken {
				later = append(later, at)
				continue
			}
			round[at.Partition] = at.offset
		}
		if err := s.first(ctx, round, func(p Partition, r *kgo.Record) { ages[position{p, round[p]}] = r.Timestamp }); err != nil {
			break
		}
		missing = later
	}
	eachBehind(looks, func(l Look, at position) {
		sample := l.Partitions[at.Partition]
		sample.Oldest = ages[at]
		l.Partitions[at.Partition] = sample
	})
	for at, age := range ages {
		if age.IsZero() {
			delete(ages, at)
		}
	}
	s.ages = ages
}

func eachBehind(looks []Look, visit func(Look, position)) {
	for _, l := range looks {
		for p, sample := range l.Partitions {
			if sample.Lag() > 0 {
				visit(l, position{p, sample.Position()})
			}
		}
	}
}

// first reads the first record of each partition at or after an offset. That may
// be a control record: the end of a transaction has a timestamp, and a lag may
// consist of nothing else. It returns an error only if it cannot make a client.
func (s *Sampler) first(ctx context.Context, from map[Partition]int64, found func(Partition, *kgo.Record)) error {
	ctx, cancel := context.WithTimeout(ctx, agesWithin)
	defer cancel()
	cl, err := s.open(kgo.ConsumePartitions(consumeFrom(from)), kgo.KeepControlRecords(), kgo.FetchMaxPartitionBytes(minFetch))
	if err != nil {
		return err
	}
	defer cl.Close()
	waiting := make(map[Partition]bool, len(from))
	for p := range from {
		waiting[p] = true
	}
	finish := func(p Partition) {
		delete(waiting, p)
		cl.PauseFetchPartitions(map[string][]int32{p.Topic: {p.ID}})
	}
	for len(waiting) > 0 && ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			p := Partition{f.Topic, f.Partition}
			if !waiting[p] {
				return
			}
			if len(f.Records) > 0 {
				found(p, f.Records[0])
				finish(p)
			} else if f.Err != nil && !errors.Is(f.Err, context.DeadlineExceeded) {
				finish(p)
			}
		})
	}
	return nil
}

// minFetch is the size of a fetch in bytes. A broker sends at least one batch.
const minFetch = 1 << 10

func consumeFrom(from map[Partition]int64) map[string]map[int32]kgo.Offset {
	offsets := make(map[string]map[int32]kgo.Offset)
	for p, offset := range from {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = make(map[int32]kgo.Offset)
		}
		offsets[p.Topic][p.ID] = kgo.NewOffset().At(offset)
	}
	return offsets
}
