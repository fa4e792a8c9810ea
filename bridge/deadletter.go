package bridge

import (
	"context"
	"time"

	"orak"
	"orak/events"
)

// deadLetter writes r to the dead-letter topic, with its bytes as they are,
// and tells the Alerter. It tries until both are done.
func (b *Bridge) deadLetter(ctx context.Context, j *job, f *orak.Fault) outcome {
	now, r := time.Now().UTC(), j.r
	letter := events.DeadLetter{
		Origin: events.OriginOf(r), Failure: receiveFailure(f, now), FailedAt: now,
	}
	written := b.persist(ctx, j, b.kafka, "writing a dead letter", func(ctx context.Context) error {
		return b.deps.Publisher.PublishDeadLetter(ctx, letter)
	})
	if !written {
		return outcomeAbandoned
	}
	b.log.Warn("record dead-lettered", "class", f.Class, "error", f,
		"topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	if b.deps.Alerter == nil {
		return outcomeDeadLettered
	}
	alerted := b.persist(ctx, j, b.temporal, "raising an alert", func(ctx context.Context) error {
		return b.deps.Alerter.DeadLettered(ctx, letter)
	})
	if !alerted {
		return outcomeAbandoned
	}
	return outcomeDeadLettered
}
