package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"

	"orak"
	"orak/bridge"
	"orak/events"
	"orak/internal/kafka"
	"orak/workflows"
)

// Announced is an upload that a record announces.
type Announced struct {
	ID     orak.UploadID
	Tenant orak.Tenant
	Record *kgo.Record
	// entry is the one of a bucket's notification.
	entry int
}

// Passed are the bounds of what the live bridge has passed by and that is older
// than before: a workflow that is missing there is not on its way. They begin
// at from, or earlier where records since then lie before it; where from has
// no offset, or one of another log, at the first that is retained.
func (r *Replayer) Passed(ctx context.Context, from map[int32]int64, since, before time.Time) (map[int32]Bounds, error) {
	adm, closeClient, err := r.admin()
	if err != nil {
		return nil, err
	}
	defer closeClient()
	starts, ends, err := logBounds(ctx, adm, events.TopicUploads)
	if err != nil {
		return nil, err
	}
	live, err := committed(ctx, adm, events.GroupBridge, events.TopicUploads)
	if err != nil {
		return nil, err
	}
	overlap, err := offsetsAt(ctx, adm, events.TopicUploads, since)
	if err != nil {
		return nil, err
	}
	young, err := offsetsAt(ctx, adm, events.TopicUploads, before)
	if err != nil {
		return nil, err
	}
	all := make(map[int32]Bounds)
	for p, end := range ends {
		passed, ok := live[p]
		if !ok {
			continue
		}
		b := Bounds{Next: starts[p], End: min(passed, young[p], end)}
		if at, known := from[p]; known && at <= end {
			b.Next = max(starts[p], min(at, overlap[p]))
		}
		b.End = max(b.Next, b.End)
		all[p] = b
	}
	return all, nil
}

// Since are the bounds of a topic's records from a time on; the zero time means
// all that are retained.
func (r *Replayer) Since(ctx context.Context, topic string, since time.Time) (map[int32]Bounds, error) {
	adm, closeClient, err := r.admin()
	if err != nil {
		return nil, err
	}
	defer closeClient()
	starts, ends, err := logBounds(ctx, adm, topic)
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		if starts, err = offsetsAt(ctx, adm, topic, since); err != nil {
			return nil, err
		}
	}
	all := make(map[int32]Bounds)
	for p, end := range ends {
		all[p] = Bounds{Next: min(starts[p], end), End: end}
	}
	return all, nil
}

// offsetsAt are the offsets of the first records that are not before t, or
// those behind the last.
func offsetsAt(ctx context.Context, adm *kadm.Client, topic string, t time.Time) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	at, err := listed(adm.ListOffsetsAfterMilli(ctx, max(t.UnixMilli(), 0), topic))
	if err != nil {
		return nil, errUnreachable("Kafka does not tell the offsets.", fmt.Errorf("finding the offsets of a time: %w", err))
	}
	return at, nil
}

// Missing reads the records within bounds and gives the announcements that no
// workflow answers to, without what was erased, and without what was canceled
// later, wherever in the topic that was.
func (r *Replayer) Missing(ctx context.Context, bounds map[int32]Bounds) ([]Announced, error) {
	if err := r.reach(ctx); err != nil {
		return nil, err
	}
	p := newPlan(Selection{Only: []State{Missing}}, time.Now().UTC())
	s := r.surveyor(p, nil)
	page := make(map[spotOf]*kgo.Record)
	var missing []Announced
	ask := func(uploads []found) error {
		states, err := r.states(ctx, p.Selection, uploads, p.Began)
		if err != nil {
			return err
		}
		for i, f := range uploads {
			if states[i].state == Missing {
				missing = append(missing, Announced{f.id, f.tenant, page[spotOf{f.partition, f.offset}], f.entry})
			}
		}
		return nil
	}
	err := r.read(ctx, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			page[spotOf{rec.Partition, rec.Offset}] = rec
		}
		return ask(s.sift(records))
	})
	if err == nil {
		err = ask(s.onlyNotified())
	}
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	return r.withoutWithdrawn(ctx, missing)
}

// withoutWithdrawn leaves out what somebody asked to cancel after it was
// announced: the bridge, which met no workflow, has forgotten it. The key is
// the same, and so the partition is.
func (r *Replayer) withoutWithdrawn(ctx context.Context, missing []Announced) ([]Announced, error) {
	rest, err := r.Since(ctx, events.TopicUploads, time.Time{})
	if err != nil {
		return nil, err
	}
	ahead := make(map[int32]Bounds)
	for _, m := range missing {
		p, next := m.Record.Partition, m.Record.Offset+1
		if b, ok := ahead[p]; ok {
			next = min(next, b.Next)
		}
		ahead[p] = Bounds{Next: next, End: max(rest[p].End, next)}
	}
	canceled := make(map[owned]int64) // where it was last asked for
	err = r.read(ctx, ahead, func(records []*kgo.Record) error {
		for _, rec := range records {
			var asked canceledError
			if _, err := decode(rec); errors.As(err, &asked) {
				canceled[asked.owned] = rec.Offset
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	kept := missing[:0]
	for _, m := range missing {
		if at, ok := canceled[owned{m.ID, m.Tenant}]; !ok || at < m.Record.Offset {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

// Start starts the workflow of a missing upload as the bridge would, but last
// in line. started is false where somebody else was faster, and where there is
// nothing to start: the recording of a notification is gone, or in the outbox.
func (r *Replayer) Start(ctx context.Context, a Announced) (started bool, err error) {
	u, err := r.announced(ctx, a.Record, a.entry)
	if err != nil {
		if unstartable(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading what record %d:%d announces: %w", a.Record.Partition, a.Record.Offset, err)
	}
	_, span := kafka.NewTracer(r.deps.Kafka.ClientID, "").WithProcessSpan(a.Record)
	defer span.End()
	err = insist(trace.ContextWithSpan(ctx, span), func(ctx context.Context) error {
		return r.execute(ctx, a.Record, u, Missing)
	})
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &exists):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("starting workflow %s: %w", workflows.UploadWorkflowID(u.ID), err)
	}
	return true, nil
}

// unstartable tells a recording that is gone, is about to be announced, or can
// never be processed.
func unstartable(err error) bool {
	var fault *orak.Fault
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, bridge.ErrInOutbox) ||
		errors.As(err, &fault) && fault.Class == orak.ClassInput
}

// spotOf is where a record is.
type spotOf struct {
	partition int32
	offset    int64
}
