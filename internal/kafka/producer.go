package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// Producer sends records, and classifies the failures. It is safe for concurrent
// use. Records of one key are sent in the order of the calls.
type Producer struct {
	cl    atomic.Pointer[kgo.Client]
	reach *reach
}

// NewProducer returns a Producer that sends through cl, which the caller closes.
func NewProducer(cl *kgo.Client) *Producer {
	p := new(Producer)
	p.cl.Store(cl)
	p.reach = newReach(p.Ping)
	return p
}

// Client returns the client that p sends through.
func (p *Producer) Client() *kgo.Client { return p.cl.Load() }

// Use makes p send through cl from now on. The caller closes both clients.
func (p *Producer) Use(cl *kgo.Client) { p.cl.Store(cl) }

// Publish sends r and returns nil after all in-sync replicas have acknowledged it. It
// returns as soon as ctx ends, and within seconds if no broker answers; while that is
// known, at once. The record may still be sent afterwards, so an error does not mean
// that it was not: delivery is at-least-once. The caller must not use r again.
//
// An error is an *orak.Fault: of class dependency if Kafka cannot be reached, does
// not have the topic, or did not answer within ctx (the first records for
// a recreated topic fail like that); of class internal if this record can never be
// sent (too large, refused).
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

// await waits for an acknowledgment while Kafka is reachable.
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

// PublishAsync sends r and calls done exactly once, with nil or an error like that
// of Publish. It uses ctx only for the trace: the end of ctx does not cancel the
// send. It never blocks: if the buffer is full, done gets an error at once. done
// runs on the client's goroutine, so it must be quick and must not publish. It
// replaces a timestamp that is older than half the delivery timeout by the present.
func (p *Producer) PublishAsync(ctx context.Context, r *kgo.Record, done func(error)) {
	topic, cl := r.Topic, p.Client()
	// The client counts the delivery timeout from the record's timestamp: a record
	// that was made before an outage would always fail at once.
	if limit, ok := cl.OptValue(kgo.RecordDeliveryTimeout).(time.Duration); ok && !r.Timestamp.IsZero() && time.Since(r.Timestamp) > limit/2 {
		r.Timestamp = time.Now()
	}
	cl.TryProduce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) {
		if errors.Is(err, kerr.UnknownTopicID) {
			// The topic was recreated; the client would look for the old one for
			// ever. In a goroutine, since the call waits for this callback.
			go cl.PurgeTopicsFromProducing(topic)
		}
		if err != nil {
			err = fault(err)
		}
		done(err)
	})
}

// PublishAct records an act on events.TopicAudit, like Publish.
func (p *Producer) PublishAct(ctx context.Context, a events.Act) error {
	r, err := a.Record()
	if err != nil {
		return &orak.Fault{Class: orak.ClassInternal, Message: "The act could not be recorded.", Err: err}
	}
	return p.Publish(ctx, r)
}

// PublishEvent publishes an event, like Publish. If the topic refuses a lifecycle
// event for its size, the event is published bare. The act that an event tells of is
// recorded first, so that no such event is without its record.
func (p *Producer) PublishEvent(ctx context.Context, topic string, e events.Event) error {
	if err := p.publishActOf(ctx, topic, e); err != nil {
		return err
	}
	return p.publishAlone(ctx, topic, e)
}

// publishActOf records the act that an event tells of, if it tells of one.
func (p *Producer) publishActOf(ctx context.Context, topic string, e events.Event) error {
	if a, ok := events.ActOf(topic, e); ok {
		return p.PublishAct(ctx, a)
	}
	return nil
}

// publishAlone publishes an event whose act is recorded.
func (p *Producer) publishAlone(ctx context.Context, topic string, e events.Event) error {
	return p.publishOr(ctx, e.Record(topic), func() *kgo.Record {
		bare, ok := e.Bare()
		if !ok {
			return nil
		}
		return bare.Record(topic)
	})
}

// PublishDeadLetter publishes a dead letter, like Publish. If the topic refuses it
// for its size, the letter is published bare.
func (p *Producer) PublishDeadLetter(ctx context.Context, d events.DeadLetter) error {
	return p.publishOr(ctx, d.Record(), func() *kgo.Record { return d.Bare().Record() })
}

// publishOr publishes r, or the record of bare if r can never be written: an upload
// must not be blocked by the size of a dead letter or an event. If the topic refuses
// that as well, it is misconfigured: class dependency. bare returns nil if there is
// no other form.
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
	if log, ok := p.Client().OptValue(kgo.WithLogger).(kgo.Logger); ok {
		log.Log(kgo.LogLevelWarn, "topic refused a record; writing its bare form", "topic", topic, "key", string(small.Key), "value_bytes", size, "error", err)
	}
	if err = p.Publish(ctx, small); isRefused(err) {
		return unreachable(err)
	}
	return err
}

// isRefused reports whether err means that this record can never be written.
func isRefused(err error) bool {
	var f *orak.Fault
	return errors.As(err, &f) && f.Class == orak.ClassInternal
}

// PublishEventAsync publishes an event, like PublishAsync. The act that an event tells of is
// recorded first, so that no such event is without its record.
func (p *Producer) PublishEventAsync(ctx context.Context, topic string, e events.Event, done func(error)) {
	p.afterActOf(ctx, topic, e, done, func() { p.PublishAsync(ctx, e.Record(topic), done) })
}

// afterActOf calls publish once the act that an event tells of is recorded, at once if it
// tells of none. If the act cannot be recorded, it calls done instead.
func (p *Producer) afterActOf(ctx context.Context, topic string, e events.Event, done func(error), publish func()) {
	if _, ok := events.ActOf(topic, e); !ok {
		publish()
		return
	}
	// In a goroutine, since the acknowledgement of the act must not publish. It ends with
	// the delivery of both, which the client bounds.
	go func() {
		if err := p.publishActOf(context.WithoutCancel(ctx), topic, e); err != nil {
			done(err)
			return
		}
		publish()
	}()
}

// Ping returns nil if any broker answers. An error is an *orak.Fault of class
// dependency.
func (p *Producer) Ping(ctx context.Context) error {
	if err := p.Client().Ping(ctx); err != nil {
		return unreachable(fmt.Errorf("pinging Kafka: %w", err))
	}
	return nil
}

// fault separates the failures of one record from those that every record would
// have. A record that the broker finds corrupt was damaged in transit. An unknown
// error counts as Kafka's: the record waits, and nothing is lost.
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
