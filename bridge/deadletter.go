package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// maxBareKey is the longest key that a bare letter keeps, in bytes.
const maxBareKey = 1 << 10

// deadLetter writes r to the dead-letter topic, with its bytes as they are,
// and tells the Alerter. It tries until both are done.
func (b *Bridge) deadLetter(ctx context.Context, s *session, r *kgo.Record, f *orak.Fault) outcome {
	now := time.Now().UTC()
	letter := events.DeadLetter{
		Origin: events.OriginOf(r),
		Failure: orak.Failure{
			Stage: orak.StageReceive, Class: f.Class, Message: f.Message,
			Attempts: 1, FirstAt: now, LastAt: now,
		},
		FailedAt: now,
	}
	written := b.persist(ctx, s, r, "writing a dead letter", func(ctx context.Context) error {
		err := b.deps.Publisher.Publish(ctx, letter.Record())
		var fault *orak.Fault
		if errors.As(err, &fault) && fault.Class == orak.ClassInternal && letter.Omitted == 0 {
			b.log.Error("dead letter refused, writing it without the record's value", "error", err,
				"topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
			letter = bare(letter)
			return b.deps.Publisher.Publish(ctx, letter.Record())
		}
		return err
	})
	if !written {
		return outcomeAbandoned
	}
	b.log.Warn("record dead-lettered", "class", f.Class, "error", f,
		"topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	if b.deps.Alerter == nil {
		return outcomeDeadLettered
	}
	alerted := b.persist(ctx, s, r, "raising an alert", func(ctx context.Context) error {
		return b.deps.Alerter.DeadLettered(ctx, letter)
	})
	if !alerted {
		return outcomeAbandoned
	}
	return outcomeDeadLettered
}

// bare keeps only where the record is. It is the last resort for a dead-letter
// topic that takes less than ours does: a partition must not stand still for
// one record, and the record itself remains in its own topic.
func bare(d events.DeadLetter) events.DeadLetter {
	d.Omitted = max(1, len(d.Origin.Value))
	d.Origin.Value, d.Origin.Headers = nil, nil
	if len(d.Origin.Key) > maxBareKey {
		d.Origin.Key = nil
	}
	return d
}
