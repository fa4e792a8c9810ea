package reconcile

import (
	"bytes"
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

// missingMark is where the next run begins on one cluster.
type missingMark struct {
	// Offsets are the first offsets that are not done, by partition.
	Offsets map[int32]int64 `json:"offsets"`
	At      time.Time       `json:"at"`
}

// missingMarks are where the next run begins. Those of the first place are in the form that
// they had when there was one.
type missingMarks struct {
	missingMark
	Others map[string]missingMark `json:"others,omitempty"`
}

func (m missingMarks) of(place int, name string) missingMark {
	if place == 0 {
		return m.missingMark
	}
	return m.Others[name]
}

func (m *missingMarks) set(place int, name string, to missingMark) {
	if place == 0 {
		m.missingMark = to
		return
	}
	others := maps.Clone(m.Others)
	if others == nil {
		others = make(map[string]missingMark)
	}
	others[name] = to
	m.Others = others
}

// missingCursor is what is left of a run.
type missingCursor struct {
	// Place is the index of the place that is read, and Left and Next what is left there; Next
	// is zero before the place was begun.
	Place int                     `json:"place,omitempty"`
	Left  map[int32]replay.Bounds `json:"left"`
	Next  missingMark             `json:"next"`
	// Marks are those of the last run, or of this one where it is done.
	Marks missingMarks `json:"marks"`
}

// startMissing starts the workflows of uploads that have none although the bridges have
// committed their records: on one place of the topic of uploads after the other.
func (r *Reconciler) startMissing(ctx context.Context, p activities.ReconcilePage) (done activities.Reconciled, err error) {
	c, err := missingFrom(p)
	if err != nil {
		return done, err
	}
	if !r.reads(c.Place) {
		return r.nextPlace(c) // its mark stays
	}
	done.Counts, err = r.missingPage(ctx, &c, p)
	if err != nil && r.skips(ctx, c.Place, err) {
		done.Counts.Errors++
		next, err := r.nextPlace(c) // its mark stays
		next.Counts = done.Counts
		return next, err
	}
	if err != nil {
		return done, err
	}
	if len(c.Left) > 0 {
		done.Cursor, err = encode(c)
		return done, err
	}
	c.Marks.set(c.Place, r.deps.Places[c.Place].Name, c.Next)
	next, err := r.nextPlace(c)
	next.Counts = done.Counts
	return next, err
}

// reads reports whether the place with an index can be read. A worker with other settings,
// which began the run, may know more places.
func (r *Reconciler) reads(place int) bool {
	if place >= len(r.deps.Places) {
		return false
	}
	away := r.deps.Places[place].Away
	return away == nil || !away()
}

// skips reports whether the run goes on with the next place after an error: what is broken
// at a place that is not active must not keep the active one from being examined.
func (r *Reconciler) skips(ctx context.Context, place int, err error) bool {
	p := r.deps.Places[place]
	if ctx.Err() != nil || p.Idle == nil || !p.Idle() || orak.AsFault(err).Class != orak.ClassDependency {
		return false
	}
	r.log.ErrorContext(ctx, "cluster cannot be examined; the next run does it", "cluster", p.Name, "error", err)
	return true
}

// missingPage goes through a page of the place that is read.
func (r *Reconciler) missingPage(ctx context.Context, c *missingCursor, p activities.ReconcilePage) (counts activities.ReconcileCounts, err error) {
	if err := r.begin(ctx, c, p); err != nil {
		return counts, err
	}
	from := r.deps.Places[c.Place].Replayer
	now := cut(c.Left, p.Size)
	missing, err := from.Missing(ctx, now)
	if err != nil {
		return counts, err
	}
	for _, b := range now {
		counts.Examined += int(b.End - b.Next)
	}
	if missing, err = r.withoutLetters(ctx, missing); err != nil {
		return counts, err
	}
	for _, m := range missing {
		started, err := r.start(ctx, from, m)
		switch {
		case ctx.Err() != nil:
			return counts, ctx.Err()
		case err != nil:
			counts.Errors++
			c.Next.Offsets[m.Partition] = min(c.Next.Offsets[m.Partition], m.Offset)
			r.log.ErrorContext(ctx, "starting a missing upload failed", "upload_id", m.ID, "tenant", m.Tenant, "error", err)
		case started:
			counts.Started++
			r.log.WarnContext(ctx, "missing upload started", "upload_id", m.ID, "tenant", m.Tenant,
				"partition", m.Partition, "offset", m.Offset)
		}
	}
	return counts, nil
}

// missingFrom returns what is left at the beginning of a page.
func missingFrom(p activities.ReconcilePage) (c missingCursor, err error) {
	if p.Cursor != "" {
		return decode[missingCursor](p.Cursor)
	}
	c.Marks, err = decode[missingMarks](p.Mark)
	return c, err
}

// begin finds what is to be read of a place, if that is not known yet.
func (r *Reconciler) begin(ctx context.Context, c *missingCursor, p activities.ReconcilePage) (err error) {
	if c.Next.Offsets != nil {
		return nil
	}
	place := r.deps.Places[c.Place]
	mark := c.Marks.of(c.Place, place.Name)
	c.Left, err = place.Replayer.Passed(ctx, mark.Offsets, mark.At.Add(-overlap), p.Began.Add(-r.minAge))
	if err != nil {
		return err
	}
	c.Next = missingMark{Offsets: make(map[int32]int64), At: p.Began}
	for id, b := range c.Left {
		c.Next.Offsets[id] = b.End
	}
	return nil
}

// nextPlace goes on with the next place, or ends with the marks of all.
func (r *Reconciler) nextPlace(c missingCursor) (done activities.Reconciled, err error) {
	if c.Place+1 < len(r.deps.Places) {
		done.Cursor, err = encode(missingCursor{Place: c.Place + 1, Marks: c.Marks})
		return done, err
	}
	done.Mark, err = encode(c.Marks)
	return done, err
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
func (r *Reconciler) start(ctx context.Context, from *replay.Replayer, m replay.Announcement) (started bool, err error) {
	outcome, err := r.deps.Store.Outcome(ctx, m.Tenant, m.ID)
	if err != nil || outcome != nil {
		return false, err
	}
	gone, err := r.erased(ctx, m.Tenant, m.ID)
	if err != nil || gone {
		return false, err
	}
	return from.Start(ctx, m)
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
	// A position is one of a cluster, and the letters are of all: the key tells them apart.
	asked := make(map[replay.Position][]byte)
	for _, m := range missing {
		asked[replay.Position{Partition: m.Partition, Offset: m.Offset}] = m.Record.Key
	}
	lettered := make(map[replay.Position]bool)
	err = r.deps.Replayer.Read(ctx, events.TopicDeadLetters, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			l, err := events.DeadLetterFrom(rec)
			if err != nil || l.Failure.Stage != orak.StageReceive || l.Origin.Topic != events.TopicUploads {
				continue
			}
			at := replay.Position{Partition: l.Origin.Partition, Offset: l.Origin.Offset}
			if key, ok := asked[at]; ok && (len(l.Origin.Key) == 0 || bytes.Equal(l.Origin.Key, key)) {
				lettered[at] = true
			}
		}
		return nil
	})
	return slices.DeleteFunc(missing, func(m replay.Announcement) bool {
		return lettered[replay.Position{Partition: m.Partition, Offset: m.Offset}]
	}), err
}
