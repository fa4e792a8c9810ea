package consume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Delivery is what a Handler is given: one record, or a batch. It begins with a
// place in the in-flight budget, and gives it up for good once it has to wait
// for a dependency. It is used by one goroutine.
type Delivery struct {
	// Record is the record, or the first one of a batch.
	Record *kgo.Record
	// Records are all of the batch, of one partition and in the order of their
	// offsets; one where there are no batches. The handler may change the slice, but
	// not the records in it.
	Records []*kgo.Record
	// Outcome labels the metric orak_<name>_records_total with what became of the
	// records; the handler sets it to one of few values. Handled is the default.
	Outcome string

	consumer *Consumer
	session  *session
	// batch is what the session began, and bytes its size.
	batch []*kgo.Record
	bytes int
	// others begins other deliveries in the place that this one gave up.
	others func()
	// aside is what it waits for; nil while it has its place.
	aside *Dependency
}

// The outcomes that the consumer sets.
const (
	// Handled is the outcome where the handler sets none.
	Handled = "handled"
	// Abandoned is the outcome of records that were given up, for the partition's
	// next owner; they are not committed.
	Abandoned = "abandoned"
)

// minBackoff is the first wait between two tries, before jitter.
const minBackoff = 100 * time.Millisecond

// newBackoff gives the waits between tries: each twice as long as the one before,
// none above limit, and jittered, so that records which failed together do not
// come back together.
func newBackoff(limit time.Duration) *backoff.ExponentialBackOff {
	const jitter = 1. / 3
	longest := time.Duration(float64(limit) / (1 + jitter))
	return &backoff.ExponentialBackOff{
		InitialInterval:     min(minBackoff, longest),
		Multiplier:          2,
		MaxInterval:         longest,
		RandomizationFactor: jitter,
	}
}

// Session numbers the time for which this member has owned the partition. It
// changes whenever the partition was lost in between, or its log was truncated
// or recreated: what a handler remembers of earlier records holds within one
// session only.
func (d *Delivery) Session() uint64 { return d.session.number }

// StepAside gives the place of d in the in-flight budget to others, because d
// waits for on, or is about to take long with it. The key of d stays underway,
// so that its records keep their order.
func (d *Delivery) StepAside(on *Dependency) {
	before := d.aside
	if before == on {
		return
	}
	n := len(d.batch)
	d.aside = on
	on.aside.Add(float64(n))
	if before != nil {
		before.aside.Sub(float64(n))
		return
	}
	d.consumer.metrics.inflight.Sub(float64(n))
	d.session.stepAside(n, d.bytes)
	d.consumer.turns.done()
	d.others()
}

// Retry makes attempts until one succeeds, each within the dependency's timeout
// and once its limiter lets it; while the dependency is unavailable, d waits
// outside of the in-flight budget. It is false where d has to be given up because
// its partition or the consumer is ending. doing says what is attempted, as a
// gerund, for the log and for Ready.
func (d *Delivery) Retry(ctx context.Context, on *Dependency, doing string, attempt func(context.Context) error) bool {
	c := d.consumer
	defer c.noteWaiting(d, nil)
	waits := newBackoff(c.cfg.MaxBackoff)
	for {
		if on.unavailable.Load() {
			d.StepAside(on)
		}
		err := on.try(ctx, d, attempt)
		switch {
		case err == nil:
			return true
		case errors.Is(err, ErrGivenUp):
			return false
		}
		if !d.wait(ctx, on, waits.NextBackOff(), doing, err) {
			return false
		}
	}
}

// wait waits until d is to be tried again; it is false where d is given up.
func (d *Delivery) wait(ctx context.Context, on *Dependency, wait time.Duration, doing string, err error) bool {
	c := d.consumer
	d.StepAside(on)
	c.noteWaiting(d, fmt.Errorf("%s: %w", doing, err))
	c.faults.WarnContext(ctx, "record waits to be tried again", "doing", doing, "error", err,
		"partition", d.session.partition.id, "offset", d.batch[0].Offset)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.session.ending:
	case <-ctx.Done():
	}
	return ctx.Err() == nil && !d.session.isEnding()
}

// handle runs the handler on d to its end, and books the outcome.
func (c *Consumer) handle(run context.Context, d *Delivery) {
	ctx, cancel := context.WithCancel(run)
	defer cancel()
	d.session.begin(d.batch[0].Offset, cancel)

	_, span := c.tracer.WithProcessSpan(d.batch[0])
	err := c.insist(trace.ContextWithSpan(ctx, span), d)
	if err != nil {
		d.Outcome = Abandoned
	}
	span.SetAttributes(attribute.String("orak.outcome", d.Outcome))
	span.End()

	d.session.finish(d.batch, err == nil)
	c.metrics.records.WithLabelValues(d.Outcome).Add(float64(len(d.batch)))
	if err != nil {
		return
	}
	c.metrics.lastProgress.SetToCurrentTime()
	for _, r := range d.batch {
		c.metrics.delay.Observe(max(0, time.Since(r.Timestamp).Seconds()))
	}
}

// insist calls the handler until it succeeds or d is given up, which is the
// error. While the partition stays here, nothing is given up: its commits would
// never pass the gap.
func (c *Consumer) insist(ctx context.Context, d *Delivery) error {
	defer c.noteWaiting(d, nil)
	waits := newBackoff(c.cfg.MaxBackoff)
	for {
		// Each call begins with the same, whatever the one before made of it.
		d.Record, d.Records, d.Outcome = d.batch[0], slices.Clone(d.batch), Handled
		err := c.handler(ctx, d)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || d.session.isEnding() || !d.wait(ctx, c.failing, waits.NextBackOff(), "handling", err) {
			return ErrGivenUp
		}
	}
}

// leave ends d: the next record of its key may have its turn, and another one
// its place.
func (c *Consumer) leave(d *Delivery) {
	more, n := d.session.release(d.batch[0]), len(d.batch)
	if d.aside == nil {
		c.metrics.inflight.Sub(float64(n))
		c.turns.done()
	} else {
		d.aside.aside.Sub(float64(n))
		d.session.comeBack(n, d.bytes)
		more = true // records of other keys may have waited for the room
	}
	if more {
		c.turns.offer(d.session)
	}
}
