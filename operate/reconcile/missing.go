package reconcile

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/operate/replay"
)

// missingMark is where the next run begins.
type missingMark struct {
	// Offsets are the first offsets that are not done, by partition.
	Offsets map[int32]int64 `json:"offsets"`
	At      time.Time       `json:"at"`
}

// missingCursor is what is left of a run.
type missingCursor struct {
	Left map[int32]replay.Bounds `json:"left"`
	Next missingMark             `json:"next"`
}

// startMissing starts the workflows of uploads that have none although the bridges
// have committed their records.
func (r *Reconciler) startMissing(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
	c, err := r.missingFrom(ctx, p)
	if err != nil {
		return done, err
	}
	now := cut(c.Left, p.Size)
	missing, err := r.deps.Replayer.Missing(ctx, now)
	if err != nil {
		return done, err
	}
	for _, b := range now {
		done.Counts.Examined += int(b.End - b.Next)
	}
	if missing, err = r.withoutLetters(ctx, missing); err != nil {
		return done, err
	}
	for _, m := range missing {
		started, err := r.start(ctx, m)
		switch {
		case ctx.Err() != nil:
			return done, ctx.Err()
		case err != nil:
			done.Counts.Errors++
			c.Next.Offsets[m.Partition] = min(c.Next.Offsets[m.Partition], m.Offset)
			r.log.ErrorContext(ctx, "starting a missing upload failed", "upload_id", m.ID, "tenant", m.Tenant, "error", err)
		case started:
			done.Counts.Started++
			r.log.WarnContext(ctx, "missing upload started", "upload_id", m.ID, "tenant", m.Tenant,
				"partition", m.Partition, "offset", m.Offset)
		}
	}
	if len(c.Left) == 0 {
		done.Mark, err = encode(c.Next)
		return done, err
	}
	done.Cursor, err = encode(c)
	return done, err
}

// missingFrom returns what is left at the beginning of a page.
func (r *Reconciler) missingFrom(ctx context.Context, p activities.ReconcilePage) (c missingCursor, err error) {
	if p.Cursor != "" {
		return decode[missingCursor](p.Cursor)
	}
	mark, err := decode[missingMark](p.Mark)
	if err != nil {
		return c, err
	}
	c.Left, err = r.deps.Replayer.Passed(ctx, mark.Offsets, mark.At.Add(-overlap), p.Began.Add(-r.minAge))
	if err != nil {
		return c, err
	}
	c.Next = missingMark{Offsets: make(map[int32]int64), At: p.Began}
	for id, b := range c.Left {
		c.Next.Offsets[id] = b.End
	}
	return c, nil
}

// cut moves size records from left to a page; fewer if left has fewer.
func cut(left map[int32]replay.Bounds, size int) map[int32]replay.Bounds {
	page := make(map[int32]replay.Bounds)
	for _, id := range slices.Sorted(maps.Keys(left)) {
		b := left[id]
		n := min(b.End-b.Next, int64(size))
		size -= int(n)
		if n > 0 {
			page[id] = replay.Bounds{Next: b.Next, End: b.Next + n}
		}
		if b.Next += n; b.Next < b.End {
			left[id] = b
		} else {
			delete(left, id)
		}
	}
	return page
}

// start starts a missing upload, unless it has an outcome or was erased.
func (r *Reconciler) start(ctx context.Context, m replay.Announcement) (started bool, err error) {
	outcome, err := r.deps.Store.Outcome(ctx, m.Tenant, m.ID)
	if err != nil || outcome != nil {
		return false, err
	}
	gone, err := r.erased(ctx, m.Tenant, m.ID)
	if err != nil || gone {
		return false, err
	}
	return r.deps.Replayer.Start(ctx, m)
}

// withoutLetters leaves out the uploads that the bridge dead-lettered.
func (r *Reconciler) withoutLetters(ctx context.Context, missing []replay.Announcement) ([]replay.Announcement, error) {
	if len(missing) == 0 {
		return nil, nil
	}
	first := slices.MinFunc(missing, func(a, b replay.Announcement) int {
		return cmp.Compare(a.Record.Timestamp.UnixMilli(), b.Record.Timestamp.UnixMilli())
	})
	bounds, err := r.deps.Replayer.Since(ctx, events.TopicDeadLetters, first.Record.Timestamp.Add(-overlap))
	if err != nil {
		return nil, err
	}
	lettered := make(map[replay.Position]bool)
	for _, m := range missing {
		lettered[replay.Position{Partition: m.Partition, Offset: m.Offset}] = false
	}
	err = r.deps.Replayer.Read(ctx, events.TopicDeadLetters, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			l, err := events.DeadLetterFrom(rec)
			if err != nil || l.Failure.Stage != orak.StageReceive || l.Origin.Topic != events.TopicUploads {
				continue
			}
			at := replay.Position{Partition: l.Origin.Partition, Offset: l.Origin.Offset}
			if _, asked := lettered[at]; asked {
				lettered[at] = true
			}
		}
		return nil
	})
	return slices.DeleteFunc(missing, func(m replay.Announcement) bool {
		return lettered[replay.Position{Partition: m.Partition, Offset: m.Offset}]
	}), err
}
