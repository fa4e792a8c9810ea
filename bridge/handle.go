package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orak"
	"orak/events"
	"orak/workflows"
)

// handle settles r, or gives it up for now, and books which.
func (b *Bridge) handle(run context.Context, s *session, r *kgo.Record) {
	ctx, cancel := context.WithCancel(run)
	defer cancel()
	s.begin(r.Offset, cancel)

	_, span := b.tracer.WithProcessSpan(r)
	out := b.settle(trace.ContextWithSpan(ctx, span), s, r)
	span.SetAttributes(attribute.String("orak.outcome", string(out)))
	span.End()

	s.finish(r.Offset, out.settled())
	b.metrics.records.WithLabelValues(string(out)).Inc()
	if out.settled() {
		b.metrics.lastProgress.SetToCurrentTime()
		b.metrics.delay.Observe(max(0, time.Since(r.Timestamp).Seconds()))
	}
}

func (b *Bridge) settle(ctx context.Context, s *session, r *kgo.Record) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("handling a record panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()),
				"topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
			out = b.deadLetter(ctx, s, r, &orak.Fault{
				Class:   orak.ClassInternal,
				Message: "The event could not be processed.",
				Err:     fmt.Errorf("panic: %v", p),
			})
		}
	}()
	if b.deps.Recordings != nil {
		if entries, ok, err := events.NotificationFrom(r); err != nil {
			return b.deadLetter(ctx, s, r, orak.AsFault(err))
		} else if ok {
			return b.settleNotification(ctx, s, r, entries)
		}
	}
	e, err := events.FromRecord(r)
	if err == nil && e.Type != events.UploadReceived {
		s.recent.forget(r)
	}
	switch {
	case err != nil && !errors.Is(err, events.ErrUnknownType):
		return b.deadLetter(ctx, s, r, orak.AsFault(err))
	case err == nil && e.Type == events.UploadReceived:
		return b.settleReceived(ctx, s, r, e)
	case err == nil && e.Type == events.Canceled:
		return b.settleCanceled(ctx, s, r, e)
	case err == nil && e.Type == events.Erased:
		return b.settleErased(ctx, s, r, e)
	default:
		b.log.Debug("event skipped", "type", e.Type, "event_id", e.ID, "partition", r.Partition, "offset", r.Offset)
		return outcomeSkipped
	}
}

func (b *Bridge) settleReceived(ctx context.Context, s *session, r *kgo.Record, e events.Event) outcome {
	received, err := e.Received()
	if err != nil {
		return b.deadLetter(ctx, s, r, orak.AsFault(err))
	}
	u := received.Upload
	if s.recent.has(r, u.ID) {
		b.log.Debug("workflow is known to be there", "upload_id", u.ID, "tenant", u.Tenant, "workflow_id", workflows.UploadWorkflowID(u.ID))
		return outcomeDuplicate
	}
	out := b.start(ctx, s, r, u)
	s.recent.note(r, u.ID, out)
	return out
}

// persist tries until attempt succeeds. It is false where the record has to be
// given up because the session or the bridge ends. Each try has StartTimeout.
func (b *Bridge) persist(ctx context.Context, s *session, r *kgo.Record, doing string, attempt func(context.Context) error) bool {
	return b.persistWithin(ctx, s, r, b.cfg.StartTimeout, doing, attempt)
}

// persistWithin is persist with another limit of each try.
func (b *Bridge) persistWithin(ctx context.Context, s *session, r *kgo.Record, limit time.Duration, doing string, attempt func(context.Context) error) bool {
	defer b.setWaiting(r, nil)
	waits := newBackoff(b.cfg.MaxBackoff)
	for {
		try, cancel := context.WithTimeout(ctx, limit)
		err := attempt(try)
		cancel()
		if err == nil {
			return true
		}
		if ctx.Err() != nil || s.isEnding() {
			return false
		}
		b.setWaiting(r, fmt.Errorf("%s: %w", doing, err))
		b.faults.warn(b.log, "a record has to wait", "doing", doing, "error", err,
			"partition", r.Partition, "offset", r.Offset)
		timer := time.NewTimer(waits.wait())
		select {
		case <-timer.C:
		case <-s.ending:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil || s.isEnding() {
			return false
		}
	}
}
