package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
)

// silence is how long no record may arrive before the ends of the partitions
// are read again.
const silence = 5 * time.Second

// maxPoll bounds the records of one batch.
const maxPoll = 500

// fetchBytes bounds what is fetched ahead, in bytes.
const fetchBytes = 16 << 20

// readUploads calls Read for the topic of uploads.
func (r *Replayer) readUploads(ctx context.Context, bounds map[int32]Bounds, visit func([]*kgo.Record) error) error {
	return r.Read(ctx, events.TopicUploads, bounds, visit)
}

// Read passes the records of a topic within bounds to visit, each partition in
// order, until all are read or visit fails. It does not change bounds.
func (r *Replayer) Read(ctx context.Context, topic string, bounds map[int32]Bounds, visit func([]*kgo.Record) error) error {
	open := maps.Clone(bounds)
	maps.DeleteFunc(open, func(_ int32, b Bounds) bool { return b.left() == 0 })
	if len(open) == 0 {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	starts := make(map[int32]kgo.Offset, len(open))
	for p, b := range open {
		starts[p] = kgo.NewOffset().At(b.Next)
	}
	cl, err := kafka.NewClient(r.deps.Kafka, r.deps.Log,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchBytes))
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(open) > 0 {
		records, err := poll(ctx, cl)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			if err := finishTruncated(ctx, cl, topic, open); err != nil {
				return err
			}
			continue
		}
		if err := visit(within(cl, topic, open, records)); err != nil {
			return err
		}
	}
	return nil
}

// poll returns no records where none arrived for the time of silence.
func poll(ctx context.Context, cl *kgo.Client) ([]*kgo.Record, error) {
	waiting, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	fetches := cl.PollRecords(waiting, maxPoll)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, e := range fetches.Errors() {
		var loss *kgo.ErrDataLoss
		if errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &loss) {
			continue
		}
		return nil, errUnreachable("Kafka cannot be read.", fmt.Errorf("reading partition %d of %s: %w", e.Partition, e.Topic, e.Err))
	}
	return fetches.Records(), nil
}

// within returns the records that are within the bounds, and advances the
// bounds. A partition that is at its end is no longer read.
func within(cl *kgo.Client, topic string, open map[int32]Bounds, records []*kgo.Record) []*kgo.Record {
	kept := records[:0]
	for _, rec := range records {
		b, ok := open[rec.Partition]
		if !ok || rec.Offset < b.Next {
			continue
		}
		if rec.Offset < b.End && !rec.Attrs.IsControl() {
			kept = append(kept, rec)
		}
		b.Next = rec.Offset + 1
		open[rec.Partition] = b
		if b.left() == 0 {
			finish(cl, topic, open, rec.Partition)
		}
	}
	return kept
}

func finish(cl *kgo.Client, topic string, open map[int32]Bounds, p int32) {
	delete(open, p)
	cl.PauseFetchPartitions(map[string][]int32{topic: {p}})
}

// finishTruncated finishes the partitions that have no more records within the
// bounds: retention deleted them, or the topic was recreated.
func finishTruncated(ctx context.Context, cl *kgo.Client, topic string, open map[int32]Bounds) error {
	starts, ends, err := logBounds(ctx, kadm.NewClient(cl), topic)
	if err != nil {
		return err
	}
	for p, b := range open {
		if starts[p] >= b.End || ends[p] <= b.Next {
			finish(cl, topic, open, p)
		}
	}
	return nil
}

// logBounds returns, for each partition of a topic, the first offset and the
// offset of the next record; an open transaction has no records yet.
func logBounds(ctx context.Context, adm *kadm.Client, topic string) (starts, ends map[int32]int64, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, errors.New("no answer in time"))
	defer cancel()
	if starts, err = listed(adm.ListStartOffsets(ctx, topic)); err == nil {
		ends, err = listed(adm.ListCommittedOffsets(ctx, topic))
	}
	if err != nil {
		return nil, nil, errUnreachable("Kafka does not return the offsets of "+topic+".", fmt.Errorf("listing offsets of %s: %w", topic, err))
	}
	return starts, ends, nil
}

func listed(offsets kadm.ListedOffsets, err error) (map[int32]int64, error) {
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, err
	}
	all := make(map[int32]int64)
	offsets.Each(func(o kadm.ListedOffset) { all[o.Partition] = o.Offset })
	return all, nil
}
