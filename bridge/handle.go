package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"orak"
	"orak/events"
	"orak/internal/kafka/consume"
	"orak/workflows"
)

// handle is the consume.Handler. A record that panics is at fault, and so is one
// that panics again when it is refused.
func (b *Bridge) handle(ctx context.Context, d *consume.Delivery) error {
	out, err := b.guarded(ctx, d, func() outcome { return b.route(ctx, d) })
	if err != nil {
		fault := &orak.Fault{Class: orak.ClassInternal, Message: "The event could not be processed.", Err: err}
		if out, err = b.guarded(ctx, d, func() outcome { return b.refuse(ctx, d, fault) }); err != nil {
			out = b.deadLetter(ctx, d, fault)
		}
	}
	if out == outcomeAbandoned {
		return consume.ErrGivenUp
	}
	d.Outcome = string(out)
	return nil
}

// guarded turns a panic of work into an error.
func (b *Bridge) guarded(ctx context.Context, d *consume.Delivery, work func() outcome) (out outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			b.log.ErrorContext(ctx, "handling a record panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()),
				"topic", d.Record.Topic, "partition", d.Record.Partition, "offset", d.Record.Offset)
		}
	}()
	return work(), nil
}

// route handles a record by what it is.
func (b *Bridge) route(ctx context.Context, d *consume.Delivery) outcome {
	if b.deps.Recordings != nil {
		if entries, ok, err := events.NotificationFrom(d.Record); err != nil {
			return b.deadLetter(ctx, d, orak.AsFault(err))
		} else if ok {
			return b.notification(ctx, d, entries)
		}
	}
	e, err := events.FromRecord(d.Record)
	if err != nil && !errors.Is(err, events.ErrUnknownType) {
		return b.refuse(ctx, d, orak.AsFault(err))
	}
	if err == nil && e.Type == events.UploadReceived {
		return b.received(ctx, d, e)
	}
	if err == nil {
		b.duplicates.forget(d.Record)
		switch {
		case reportsEnd(e): // of an upload; it is for others
		case e.Type == events.Canceled:
			return b.canceled(ctx, d, e)
		case e.Type == events.Erased:
			return b.erased(ctx, d, e)
		}
	}
	b.log.DebugContext(ctx, "event skipped", "type", e.Type, "event_id", e.ID, "partition", d.Record.Partition, "offset", d.Record.Offset)
	return outcomeSkipped
}

// received handles the announcement of an upload.
func (b *Bridge) received(ctx context.Context, d *consume.Delivery, e events.Event) outcome {
	received, err := e.Received()
	if err != nil {
		return b.refuse(ctx, d, orak.AsFault(err))
	}
	u := received.Upload
	if b.duplicates.has(d.Record, d.Session(), u.ID) {
		b.log.DebugContext(ctx, "workflow is known to exist", "upload_id", u.ID, "tenant", u.Tenant, "workflow_id", workflows.UploadWorkflowID(u.ID))
		return outcomeDuplicate
	}
	out := b.start(ctx, d, u)
	b.duplicates.note(d.Record, d.Session(), u.ID, out)
	return out
}

// reportsEnd reports whether e says that something has ended, as the events on
// the lifecycle topic do, and asks for nothing.
func reportsEnd(e events.Event) bool {
	_, err := e.Lifecycle()
	return err == nil
}

// errOtherTenant is an event about another tenant's upload.
var errOtherTenant = errors.New("the workflow is another tenant's")

// request makes a request of Temporal until it is answered. One for another
// tenant's upload is the record's fault: it is dead-lettered with message.
func (b *Bridge) request(ctx context.Context, d *consume.Delivery, doing, message string, try func(context.Context) (outcome, error)) outcome {
	var out outcome
	var refused error
	done := b.askTemporal(ctx, d, doing, func(ctx context.Context) (err error) {
		if out, err = try(ctx); errors.Is(err, errOtherTenant) {
			refused, err = err, nil
		}
		return err
	})
	switch {
	case !done:
		return outcomeAbandoned
	case refused != nil:
		return b.deadLetter(ctx, d, &orak.Fault{Class: orak.ClassInput, Message: message, Err: fmt.Errorf("%s: %w", doing, refused)})
	}
	return out
}

// askTemporal tries until Temporal has answered; it is false where the record was
// given up.
func (b *Bridge) askTemporal(ctx context.Context, d *consume.Delivery, doing string, try func(context.Context) error) bool {
	return d.Retry(ctx, b.temporal, doing, func(ctx context.Context) error {
		if err := b.connect(ctx); err != nil {
			return err
		}
		return try(ctx)
	})
}
