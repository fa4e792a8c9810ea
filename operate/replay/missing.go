package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"

	"orak/events"
	"orak/internal/kafka"
	"orak/workflows"
)

// Passed returns bounds of the records that the bridges have committed and that
// are older than before: an upload in them that has no workflow is missing. The
// bounds begin at from, or earlier where records since then precede it. Where
// from has no offset of a partition, or one beyond its end (the topic was
// recreated), they begin at the first retained record.
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

// Since returns bounds of a topic's records since a time; the zero time means
// all retained records.
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

// offsetsAt returns, by partition, the offset of the first record that is not
// older than t; where there is none, the end of the partition.
func offsetsAt(ctx context.Context, adm *kadm.Client, topic string, t time.Time) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	at, err := listed(adm.ListOffsetsAfterMilli(ctx, max(t.UnixMilli(), 0), topic))
	if err != nil {
		return nil, errUnreachable("Kafka does not return the offsets.", fmt.Errorf("finding the offsets of a time: %w", err))
	}
	return at, nil
}

// Missing reads the records within bounds and returns the announcements of
// uploads that have no workflow. Uploads that were erased, or that a later
// record anywhere on the topic withdraws, are left out.
func (r *Replayer) Missing(ctx context.Context, bounds map[int32]Bounds) ([]Announcement, error) {
	if err := r.reach(ctx); err != nil {
		return nil, err
	}
	p := newPlan(Selection{Only: []State{Missing}}, time.Now().UTC())
	p.unstarted = true
	s := r.newSurveyor(p, nil)
	defer s.spool.close()
	read := make(map[Position]*kgo.Record)
	var missing []Announcement
	keep := func(announced []Announcement, _ map[withdrawal]bool) error {
		states, err := r.states(ctx, p, announced)
		if err != nil {
			return err
		}
		for i, a := range announced {
			if states[i].state == Missing {
				a.Record = read[Position{Partition: a.Partition, Offset: a.Offset}]
				missing = append(missing, a)
			}
		}
		return nil
	}
	err := r.readUploads(ctx, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			read[Position{Partition: rec.Partition, Offset: rec.Offset}] = rec
		}
		return s.sift(records)
	})
	if err == nil {
		err = s.judge(keep)
	}
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	return r.withoutWithdrawn(ctx, missing)
}

// withoutWithdrawn leaves out the uploads that were withdrawn after they were
// announced. The bridge ignored those requests, since it found no workflow. The
// requests have the same key, and so the same partition, as the announcement.
func (r *Replayer) withoutWithdrawn(ctx context.Context, missing []Announcement) ([]Announcement, error) {
	rest, err := r.Since(ctx, events.TopicUploads, time.Time{})
	if err != nil {
		return nil, err
	}
	ahead := make(map[int32]Bounds)
	for _, m := range missing {
		next := m.Offset + 1
		if b, ok := ahead[m.Partition]; ok {
			next = min(next, b.Next)
		}
		ahead[m.Partition] = Bounds{Next: next, End: max(rest[m.Partition].End, next)}
	}
	last := make(map[withdrawal]int64) // offsets
	err = r.readUploads(ctx, ahead, func(records []*kgo.Record) error {
		for _, rec := range records {
			var withdrawn withdrawalError
			if _, err := decode(rec); errors.As(err, &withdrawn) {
				last[withdrawn.withdrawal] = rec.Offset
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(missing, func(m Announcement) bool {
		at, ok := last[withdrawal{m.ID, m.Tenant}]
		return ok && at >= m.Offset
	}), nil
}

// Start starts the workflow of a missing upload like the bridge, with
// LowestPriority. started is false where it was started meanwhile, and where it
// cannot be started: the recording that a notification names is gone, is in the
// outbox, or can never be processed.
func (r *Replayer) Start(ctx context.Context, a Announcement) (started bool, err error) {
	u, err := r.upload(ctx, a)
	if err != nil {
		if unavailable(err) || unprocessable(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading what record %d:%d announces: %w", a.Partition, a.Offset, err)
	}
	_, span := kafka.NewTracer(r.deps.Kafka.ClientID, "").WithProcessSpan(a.Record)
	defer span.End()
	err = retry(trace.ContextWithSpan(ctx, span), func(ctx context.Context) error {
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
