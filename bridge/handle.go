package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orak"
	"orak/events"
	"orak/workflows"
)

// handle settles the record of j, or gives it up for now, and books which.
func (b *Bridge) handle(run context.Context, j *job) {
	s, r := j.s, j.r
	ctx, cancel := context.WithCancel(run)
	defer cancel()
	s.begin(r.Offset, cancel)

	_, span := b.tracer.WithProcessSpan(r)
	out := b.settle(trace.ContextWithSpan(ctx, span), j)
	span.SetAttributes(attribute.String("orak.outcome", string(out)))
	span.End()

	s.finish(r.Offset, out.settled())
	b.metrics.records.WithLabelValues(string(out)).Inc()
	if out.settled() {
		b.metrics.lastProgress.SetToCurrentTime()
		b.metrics.delay.Observe(max(0, time.Since(r.Timestamp).Seconds()))
	}
}

// settle settles the record of j. A record that panics is at fault, and so is
// one that panics again when it is refused.
func (b *Bridge) settle(ctx context.Context, j *job) outcome {
	out, err := b.guarded(j, func() outcome { return b.route(ctx, j) })
	if err == nil {
		return out
	}
	fault := &orak.Fault{Class: orak.ClassInternal, Message: "The event could not be processed.", Err: err}
	out, err = b.guarded(j, func() outcome { return b.refuse(ctx, j, fault) })
	if err == nil {
		return out
	}
	return b.deadLetter(ctx, j, fault)
}

// guarded turns a panic of work into an error.
func (b *Bridge) guarded(j *job, work func() outcome) (out outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			b.log.Error("handling a record panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()),
				"topic", j.r.Topic, "partition", j.r.Partition, "offset", j.r.Offset)
		}
	}()
	return work(), nil
}

// route handles the record of j by what it is.
func (b *Bridge) route(ctx context.Context, j *job) outcome {
	r := j.r
	if b.deps.Recordings != nil {
		if entries, ok, err := events.NotificationFrom(r); err != nil {
			return b.deadLetter(ctx, j, orak.AsFault(err))
		} else if ok {
			return b.settleNotification(ctx, j, entries)
		}
	}
	e, err := events.FromRecord(r)
	if err == nil && e.Type != events.UploadReceived {
		j.s.recent.forget(r)
	}
	switch {
	case err != nil && !errors.Is(err, events.ErrUnknownType):
		return b.refuse(ctx, j, orak.AsFault(err))
	case err == nil && e.Type == events.UploadReceived:
		return b.settleReceived(ctx, j, e)
	case err == nil && e.Type == events.Canceled:
		return b.settleCanceled(ctx, j, e)
	case err == nil && e.Type == events.Erased:
		return b.settleErased(ctx, j, e)
	default:
		b.log.Debug("event skipped", "type", e.Type, "event_id", e.ID, "partition", r.Partition, "offset", r.Offset)
		return outcomeSkipped
	}
}

func (b *Bridge) settleReceived(ctx context.Context, j *job, e events.Event) outcome {
	received, err := e.Received()
	if err != nil {
		return b.refuse(ctx, j, orak.AsFault(err))
	}
	u := received.Upload
	if j.s.recent.has(j.r, u.ID) {
		b.log.Debug("workflow is known to be there", "upload_id", u.ID, "tenant", u.Tenant, "workflow_id", workflows.UploadWorkflowID(u.ID))
		return outcomeDuplicate
	}
	out := b.start(ctx, j, u)
	j.s.recent.note(j.r, u.ID, out)
	return out
}
