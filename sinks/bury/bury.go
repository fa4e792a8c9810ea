// Package bury writes records that cannot be read to the dead-letter topic. All sinks
// do that alike.
package bury

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
)

// Publisher writes dead letters to Kafka and returns once all in-sync replicas have
// them. Any error is worth another try.
type Publisher interface {
	PublishDeadLetter(ctx context.Context, d events.DeadLetter) error
}

var _ Publisher = (*kafka.Producer)(nil)

// Alerter alerts people. Each method is called again until it returns nil, so it must
// accept repeats.
type Alerter interface {
	// DeadLettered is called for every dead letter, after it was acknowledged.
	DeadLettered(ctx context.Context, d events.DeadLetter) error
	// Stalled is called once for every stall, which may be over by then.
	Stalled(ctx context.Context, s consume.Stall) error
}

// Burier buries the unreadable records of one consumer.
type Burier struct {
	Publisher Publisher
	// Alerter is optional.
	Alerter Alerter
	// Kafka and Alerts are what it may have to wait for.
	Kafka, Alerts *consume.Dependency
	// Buried counts what is buried.
	Buried prometheus.Counter
	Log    *slog.Logger
}

// Bury writes letter to the dead-letter topic and raises the alert; it is false where d
// is given up.
func (b Burier) Bury(ctx context.Context, d *consume.Delivery, letter events.DeadLetter) bool {
	written := d.Retry(ctx, b.Kafka, "writing a dead letter", func(ctx context.Context) error {
		return b.Publisher.PublishDeadLetter(ctx, letter)
	})
	if !written {
		return false
	}
	b.Buried.Inc()
	b.Log.WarnContext(ctx, "record dead-lettered", "class", letter.Failure.Class, "error", letter.Failure.Message,
		"topic", letter.Origin.Topic, "partition", letter.Origin.Partition, "offset", letter.Origin.Offset)
	if b.Alerter == nil {
		return true
	}
	return d.Retry(ctx, b.Alerts, "raising an alert", func(ctx context.Context) error {
		return b.Alerter.DeadLettered(ctx, letter)
	})
}

// Letter returns the dead letter of a record that cannot be read, its bytes untouched.
func Letter(r *kgo.Record, f *orak.Fault, now time.Time) events.DeadLetter {
	return events.DeadLetter{
		Origin: events.OriginOf(r), FailedAt: now,
		Failure: orak.Failure{Stage: orak.StageReceive, Class: f.Class, Message: f.Message, Attempts: 1, FirstAt: now, LastAt: now},
	}
}
