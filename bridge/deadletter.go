package bridge

import (
	"context"
	"time"

	"orak"
	"orak/events"
	"orak/internal/kafka/consume"
)

// deadLetter writes the record to the dead-letter topic, its bytes untouched, and
// raises the alert. It tries until both are done.
func (b *Bridge) deadLetter(ctx context.Context, d *consume.Delivery, f *orak.Fault) outcome {
	now, r := time.Now().UTC(), d.Record
	letter := events.DeadLetter{
		Origin: events.OriginOf(r), Failure: receiveFailure(f, now), FailedAt: now,
	}
	written := d.Retry(ctx, b.kafka, "writing a dead letter", func(ctx context.Context) error {
		return b.deps.Publisher.PublishDeadLetter(ctx, letter)
	})
	if !written {
		return outcomeAbandoned
	}
	b.log.WarnContext(ctx, "record dead-lettered", "class", f.Class, "error", f,
		"topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
	if b.deps.Alerter == nil {
		return outcomeDeadLettered
	}
	alerted := d.Retry(ctx, b.temporal, "raising an alert", func(ctx context.Context) error {
		return b.deps.Alerter.DeadLettered(ctx, letter)
	})
	if !alerted {
		return outcomeAbandoned
	}
	return outcomeDeadLettered
}
