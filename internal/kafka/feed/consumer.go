package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

const (
	// boundsWait bounds the question where the topic begins and ends.
	boundsWait = 10 * time.Second
	// fetchBytes bounds what one consumer fetches ahead, in bytes.
	fetchBytes = 1 << 20
)

// client makes a consumer. Records of aborted transactions are no events; control
// records are kept, since the last record before a position may be one.
func (f *Feed) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kafka.NewClient(f.kafka, f.log, append([]kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(fetchBytes), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}, opts...)...)
}

// follow reads the topic from its end on until ctx ends or reading fails.
func (s *session) follow(ctx context.Context) error {
	cl, err := s.feed.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	if s.topic, _, s.now, err = bounds(ctx, cl); err != nil {
		return err
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{events.TopicLifecycle: s.now.offsets(nil)})
	close(s.ready)
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := firstError(fetches); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			l, at := eventOf(r)
			s.passOn(r.Partition, r.Offset, l, at)
		})
	}
}

// errLost means that the topic begins behind a position.
var errLost = errors.New("the events are not there any more")

// catchUp gives the events of a tenant from one position to another; the first step has
// only the position.
func (f *Feed) catchUp(ctx context.Context, topic topicID, t orak.Tenant, from, to position, every time.Duration, each func(events.Followed) error) error {
	release, err := f.resumes.take(ctx, t)
	if err != nil {
		return err
	}
	defer release()
	cl, err := f.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{events.TopicLifecycle: from.offsets(to)}))
	if err != nil {
		return err
	}
	defer cl.Close()
	_, start, _, err := bounds(ctx, cl)
	if err != nil {
		return err
	}
	if _, there := from.behind(start, to); !there {
		return errLost
	}
	at := slices.Clone(from)
	if err := each(events.Followed{Position: at.encode(topic)}); err != nil {
		return err
	}
	for said := time.Now(); !slices.Equal(at, to); {
		polling, cancel := context.WithTimeout(ctx, every)
		fetches := cl.PollFetches(polling)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := firstError(fetches); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		for _, r := range fetches.Records() {
			if r.Offset >= to[r.Partition] {
				continue // the session has it
			}
			at[r.Partition] = r.Offset + 1
			l, when := eventOf(r)
			if l == nil || l.Upload.Tenant != t {
				continue
			}
			if err := each(events.Followed{Position: at.encode(topic), Lifecycle: l, At: when}); err != nil {
				return err
			}
			said = time.Now()
		}
		if time.Since(said) >= every {
			if err := each(events.Followed{Position: at.encode(topic)}); err != nil {
				return err
			}
			said = time.Now()
		}
	}
	return nil
}

// offsets are those from which to consume, of the partitions in which p is not at to;
// nil means all.
func (p position) offsets(to position) map[int32]kgo.Offset {
	from := map[int32]kgo.Offset{}
	for i, offset := range p {
		if to == nil || offset < to[i] {
			from[int32(i)] = kgo.NewOffset().At(offset)
		}
	}
	return from
}

func firstError(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		return fmt.Errorf("reading %s: %w", events.TopicLifecycle, e.Err)
	}
	return nil
}

// eventOf returns the data of the event of a record; nil if it is none that is known.
// The consumers that have to act on events report those that cannot be read.
func eventOf(r *kgo.Record) (*events.Lifecycle, time.Time) {
	if r.Attrs.IsControl() {
		return nil, time.Time{}
	}
	e, err := events.FromRecord(r)
	if err != nil {
		return nil, time.Time{}
	}
	l, err := e.Lifecycle()
	if err != nil {
		return nil, time.Time{}
	}
	return &l, e.Time
}

// bounds returns the id of the topic, and the first and the next offset of each
// partition.
func bounds(ctx context.Context, cl *kgo.Client) (id topicID, start, end position, err error) {
	ctx, cancel := context.WithTimeout(ctx, boundsWait)
	defer cancel()
	adm := kadm.NewClient(cl)
	topics, err := adm.ListTopics(ctx, events.TopicLifecycle)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return id, nil, nil, fmt.Errorf("looking for %s: %w", events.TopicLifecycle, err)
	}
	topic := topics[events.TopicLifecycle]
	copy(id[:], topic.ID[:])
	if start, err = listed(len(topic.Partitions))(adm.ListStartOffsets(ctx, events.TopicLifecycle)); err != nil {
		return id, nil, nil, err
	}
	end, err = listed(len(topic.Partitions))(adm.ListCommittedOffsets(ctx, events.TopicLifecycle))
	return id, start, end, err
}

// listed turns the offsets of a topic with n partitions into a position.
func listed(n int) func(kadm.ListedOffsets, error) (position, error) {
	return func(all kadm.ListedOffsets, err error) (position, error) {
		if err == nil {
			err = all.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("reading the offsets of %s: %w", events.TopicLifecycle, err)
		}
		p := make(position, n)
		for i := range p {
			o, ok := all.Lookup(events.TopicLifecycle, int32(i))
			if !ok {
				return nil, fmt.Errorf("reading the offsets of %s: no partition %d", events.TopicLifecycle, i)
			}
			p[i] = o.Offset
		}
		return p, nil
	}
}
