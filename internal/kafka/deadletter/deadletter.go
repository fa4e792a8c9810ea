// Package deadletter writes records that cannot be read to the dead-letter topic. Every
// consumer group does that alike.
package deadletter

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

// Writer writes the dead letters of one consumer.
type Writer struct {
	Publisher Publisher
	// Alerter is optional.
	Alerter Alerter
	// Kafka and Alerts are what it may have to wait for.
	Kafka, Alerts *consume.Dependency
	// Written counts the letters; nil for a consumer that counts them itself.
	Written prometheus.Counter
	Log     *slog.Logger
}

// Write writes letter to the dead-letter topic and raises the alert. It tries until both
// are done; it is false where d is given up.
func (w Writer) Write(ctx context.Context, d *consume.Delivery, letter Letter) bool {
	written := d.Retry(ctx, w.Kafka, "writing a dead letter", func(ctx context.Context) error {
		return w.Publisher.PublishDeadLetter(ctx, letter.DeadLetter)
	})
	if !written {
		return false
	}
	if w.Written != nil {
		w.Written.Inc()
	}
	w.Log.WarnContext(ctx, "record dead-lettered", "class", letter.Failure.Class, "error", letter.fault,
		"topic", letter.Origin.Topic, "partition", letter.Origin.Partition, "offset", letter.Origin.Offset)
	if w.Alerter == nil {
		return true
	}
	return d.Retry(ctx, w.Alerts, "raising an alert", func(ctx context.Context) error {
		return w.Alerter.DeadLettered(ctx, letter.DeadLetter)
	})
}

// Letter is the dead letter of a record that cannot be read.
type Letter struct {
	events.DeadLetter
	// fault has more than people are shown, for the log.
	fault *orak.Fault
}

// Of returns the dead letter of a record, its bytes untouched.
func Of(r *kgo.Record, f *orak.Fault, now time.Time) Letter {
	return Letter{events.DeadLetter{Origin: events.OriginOf(r), FailedAt: now, Failure: Failure(f, now)}, f}
}

// Failure is that of a record which cannot be read.
func Failure(f *orak.Fault, now time.Time) orak.Failure {
	return orak.Failure{Stage: orak.StageReceive, Class: f.Class, Message: f.Message, Attempts: 1, FirstAt: now, LastAt: now}
}
