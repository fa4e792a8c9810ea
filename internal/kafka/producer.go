package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// Producer sends records and says whose fault it is when it cannot. It is
// safe for concurrent use; records of one key keep the order in which they
// were given to it.
type Producer struct {
	cl    *kgo.Client
	reach *reach
}

// NewProducer sends through cl, which stays the caller's to close.
func NewProducer(cl *kgo.Client) *Producer {
	p := &Producer{cl: cl}
	p.reach = newReach(p.Ping)
	return p
}

// Publish sends r and returns nil once all in-sync replicas have it. It
// returns as soon as ctx ends, and within seconds where no broker answers: at once
// once that is known. The record may still
// go out after that, so an error never means that it was not sent: delivery is
// at least once. r belongs to the producer from the call on.
//
// An error is an *orak.Fault: of class dependency where Kafka cannot be
// reached, does not have the topic, or did not answer within ctx (records for a
// topic that was made anew fail so, once); of class
// internal where this record can never be sent (too large, refused).
func (p *Producer) Publish(ctx context.Context, r *kgo.Record) error {
	if err := ctx.Err(); err != nil {
		return fault(err)
	}
	if err := p.reach.refuse(ctx); err != nil {
		return err
	}
	sent := make(chan error, 1)
	p.PublishAsync(ctx, r, func(err error) { sent <- err })
	return p.await(ctx, sent)
}

// await waits for an acknowledgment as long as Kafka is there.
func (p *Producer) await(ctx context.Context, sent <-chan error) error {
	doubt := time.NewTicker(doubtAfter)
	defer doubt.Stop()
	for {
		select {
		case err := <-sent:
			return err
		case <-ctx.Done():
			return fault(ctx.Err())
		case <-doubt.C:
			if err := p.reach.doubt(ctx); err != nil {
				return err
			}
		}
	}
}

// PublishAsync sends r and calls done exactly once, with nil or with an error
// as Publish has it. ctx gives the trace; its end does not cancel the send. It
// never blocks: with a full buffer, done gets its error at once. done runs on
// the client's goroutine, so it must be quick and must not publish. A timestamp
// that is older than the delivery may take becomes the present.
func (p *Producer) PublishAsync(ctx context.Context, r *kgo.Record, done func(error)) {
	topic := r.Topic
	// The client counts the time for delivery from the record's own timestamp:
	// one that was made before an outage would be given up at once, for ever.
	if limit, ok := p.cl.OptValue(kgo.RecordDeliveryTimeout).(time.Duration); ok && !r.Timestamp.IsZero() && time.Since(r.Timestamp) > limit/2 {
		r.Timestamp = time.Now()
	}
	p.cl.TryProduce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) {
		if errors.Is(err, kerr.UnknownTopicID) {
			// The topic was deleted and made anew; the client would look for
			// the old one for ever. In a goroutine, since it waits for this one.
			go p.cl.PurgeTopicsFromProducing(topic)
		}
		if err != nil {
			err = fault(err)
		}
		done(err)
	})
}

// PublishEvent is Publish for an event. Where the topic does not take a
// lifecycle event of its size, the event is published bare.
func (p *Producer) PublishEvent(ctx context.Context, topic string, e events.Event) error {
	return p.publishOr(ctx, e.Record(topic), func() *kgo.Record {
		bare, ok := e.Bare()
		if !ok {
			return nil
		}
		return bare.Record(topic)
	})
}

// PublishDeadLetter is Publish for a dead letter. Where the topic does not take
// one of its size, the letter is published bare.
func (p *Producer) PublishDeadLetter(ctx context.Context, d events.DeadLetter) error {
	return p.publishOr(ctx, d.Record(), func() *kgo.Record { return d.Bare().Record() })
}

// publishOr publishes r, or what bare makes, where r itself can never be
// written: whoever writes a dead letter or an event must not stand still for
// its size. A topic that takes not even that is out of order: class dependency.
// bare may return nil for what has no other form.
func (p *Producer) publishOr(ctx context.Context, r *kgo.Record, bare func() *kgo.Record) error {
	topic, size := r.Topic, len(r.Value)
	err := p.Publish(ctx, r)
	if !isRefused(err) {
		return err
	}
	small := bare()
	if small == nil {
		return err
	}
	if log, ok := p.cl.OptValue(kgo.WithLogger).(kgo.Logger); ok {
		log.Log(kgo.LogLevelWarn, "topic refused a record; writing its bare form", "topic", topic, "key", string(small.Key), "value_bytes", size, "error", err)
	}
	if err = p.Publish(ctx, small); isRefused(err) {
		return unreachable(err)
	}
	return err
}

// isRefused reports whether err says that this record can never be written.
func isRefused(err error) bool {
	var f *orak.Fault
	return errors.As(err, &f) && f.Class == orak.ClassInternal
}

// PublishEventAsync is PublishAsync for an event.
func (p *Producer) PublishEventAsync(ctx context.Context, topic string, e events.Event, done func(error)) {
	p.PublishAsync(ctx, e.Record(topic), done)
}

// Ping reports whether any broker answers. An error is an *orak.Fault of
// class dependency.
func (p *Producer) Ping(ctx context.Context) error {
	if err := p.cl.Ping(ctx); err != nil {
		return unreachable(fmt.Errorf("pinging Kafka: %w", err))
	}
	return nil
}

// fault tells this record's failure from one that every record would meet. A
// record that the broker finds corrupt was sound when it was sent.
// What is not known to be the record's own counts as Kafka's: it is waited
// out, and nothing is lost by waiting.
func fault(err error) *orak.Fault {
	for _, own := range []error{
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp,
		kerr.InvalidTopicException,
	} {
		if errors.Is(err, own) {
			return &orak.Fault{
				Class:   orak.ClassInternal,
				Message: "The event could not be recorded.",
				Err:     fmt.Errorf("publishing record: %w", err),
			}
		}
	}
	return unreachable(fmt.Errorf("publishing record: %w", err))
}

func unreachable(err error) *orak.Fault {
	return &orak.Fault{
		Class:      orak.ClassDependency,
		Dependency: orak.DependencyKafka,
		Message:    "The event log is not reachable.",
		Err:        err,
	}
}
