package replay

import (
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// Position is the place of an announcement on the topic of uploads.
type Position struct {
	Offset    int64
	Partition int32
	// Entry is the index in a bucket's notification; 0 in every other record.
	Entry int32
}

// Announcement is an announcement of an upload.
type Announcement struct {
	ID     orak.UploadID
	Tenant orak.Tenant
	Position
	// Record is the record at Position; nil in a plan, which would have to hold
	// all of them in memory.
	Record *kgo.Record
}

// surveyor makes a plan from records: it keeps what they say of uploads until all are
// read, then judges each upload once.
type surveyor struct {
	plan *Plan
	// live has the offsets that the bridges have committed, by partition.
	live map[int32]int64
	// selected has the uploads that are selected, if only some are; true once an
	// announcement was read.
	selected map[orak.UploadID]bool
	spool    *spool
	// bucket is that of the recordings in notifications.
	bucket string
}

// newSurveyor returns a surveyor that fills in p. The caller closes its spool.
func (r *Replayer) newSurveyor(p *Plan, live map[int32]int64) *surveyor {
	s := &surveyor{plan: p, live: live, selected: make(map[orak.UploadID]bool), spool: newSpool()}
	if r.deps.Recordings != nil {
		s.bucket = r.deps.Recordings.Bucket()
	}
	for _, id := range p.Selection.IDs {
		s.selected[id] = false
	}
	return s
}

// sift keeps what records say of selected uploads, and counts the records.
func (s *surveyor) sift(records []*kgo.Record) error {
	for _, rec := range records {
		if err := s.siftOne(rec); err != nil {
			return err
		}
	}
	return nil
}

func (s *surveyor) siftOne(rec *kgo.Record) error {
	p := s.plan
	if entries, ok, err := events.NotificationFrom(rec); ok && err == nil {
		if p.Selection.covers(rec.Timestamp) {
			return s.notify(rec, entries)
		}
		return nil
	}
	at := Position{Partition: rec.Partition, Offset: rec.Offset}
	u, err := decode(rec)
	var asked withdrawalError
	if errors.As(err, &asked) && s.selects(asked.id) {
		if err := s.spool.add(entry{withdrawn, Announcement{ID: asked.id, Tenant: asked.tenant, Position: at}}); err != nil {
			return err
		}
	}
	if !p.Selection.covers(rec.Timestamp) || !s.selects(u.ID) {
		return nil
	}
	s.span(rec.Timestamp.UTC())
	switch {
	case errors.Is(err, errNoAnnouncement):
		p.Skipped++
	case err != nil:
		p.Undecodable++
		p.Examples = example(p.Examples, rec, err)
	default:
		return s.spool.add(entry{announced, Announcement{ID: u.ID, Tenant: u.Tenant, Position: at}})
	}
	return nil
}

// judge passes the first announcement of each upload to visit, at most maxPoll in a
// call, with the uploads that a record asks to cancel or erase. An upload that events
// announce is not taken from a notification, which says less.
func (s *surveyor) judge(visit func([]Announcement, map[withdrawal]bool) error) error {
	return s.spool.each(func(entries []entry) error {
		first, gone := s.first(entries)
		for some := range slices.Chunk(first, maxPoll) {
			if err := visit(some, gone); err != nil {
				return err
			}
		}
		return nil
	})
}

// first returns the first announcement of each upload, and the withdrawals.
func (s *surveyor) first(entries []entry) (first []Announcement, gone map[withdrawal]bool) {
	seen := make(map[orak.UploadID]bool, len(entries))
	gone = make(map[withdrawal]bool)
	take := func(a Announcement) {
		seen[a.ID] = true
		first = append(first, a)
		if _, ok := s.selected[a.ID]; ok {
			s.selected[a.ID] = true
		}
	}
	for _, e := range entries {
		switch {
		case e.kind == withdrawn:
			gone[withdrawal{e.ID, e.Tenant}] = true
		case e.kind == announced && seen[e.ID]:
			s.plan.Repeats++
		case e.kind == announced:
			take(e.Announcement)
		}
	}
	for _, e := range entries {
		if e.kind == notified && !seen[e.ID] {
			take(e.Announcement)
		}
	}
	return first, gone
}

// selects reports whether the selection allows an upload. A record without an
// upload has an empty id, which is selected only together with all others.
func (s *surveyor) selects(id orak.UploadID) bool {
	if len(s.plan.Selection.IDs) == 0 {
		return true
	}
	_, selected := s.selected[id]
	return selected
}

func (s *surveyor) span(at time.Time) {
	p := s.plan
	p.Records++
	if p.First.IsZero() || at.Before(p.First) {
		p.First = at
	}
	if at.After(p.Last) {
		p.Last = at
	}
}

func example(examples []Record, rec *kgo.Record, err error) []Record {
	if len(examples) < maxExamples {
		examples = append(examples, Record{rec.Partition, rec.Offset, err.Error()})
	}
	return examples
}

// count adds an upload to the plan; gone says that a record withdraws it.
func (s *surveyor) count(a Announcement, found workflowState, gone bool) {
	p := s.plan
	state := found.state
	if gone && (state == Missing || state == Failed) {
		state = Withdrawn
	}
	p.States[state]++
	if state == Missing && a.Offset >= s.live[a.Partition] {
		p.Ahead++
	}
	if found.recent || !p.Selection.wants(state) {
		return
	}
	p.Start[state]++
	p.chosen.add(a.Position, state)
}

// conclude lists the selected uploads that no record announces.
func (s *surveyor) conclude() {
	for id, seen := range s.selected {
		if !seen {
			s.plan.Absent = append(s.plan.Absent, id)
		}
	}
	slices.Sort(s.plan.Absent)
}

// errNoAnnouncement is the error for an event that announces no upload.
var errNoAnnouncement = errors.New("no announcement")

// withdrawal is a request to cancel or erase an upload. It has no effect on
// uploads of other tenants.
type withdrawal struct {
	id     orak.UploadID
	tenant orak.Tenant
}

// withdrawalError is the errNoAnnouncement for a withdrawal.
type withdrawalError struct{ withdrawal }

func (withdrawalError) Error() string { return "asks to cancel an upload" }

func (withdrawalError) Is(target error) bool { return target == errNoAnnouncement }

// decode returns the upload that a record announces. It does not read
// notifications of a bucket.
func decode(rec *kgo.Record) (orak.Upload, error) {
	e, err := events.FromRecord(rec)
	switch {
	case errors.Is(err, events.ErrUnknownType):
		return orak.Upload{}, errNoAnnouncement
	case err != nil:
		return orak.Upload{}, err
	case e.Type == events.Canceled:
		c, err := e.Cancellation()
		if err != nil {
			return orak.Upload{}, err
		}
		return orak.Upload{}, withdrawalError{withdrawal{c.ID, c.Tenant}}
	case e.Type == events.Erased:
		erasure, err := e.Erasure()
		if err != nil {
			return orak.Upload{}, err
		}
		return orak.Upload{}, withdrawalError{withdrawal{erasure.ID, erasure.Tenant}}
	case e.Type != events.UploadReceived:
		return orak.Upload{}, errNoAnnouncement
	}
	received, err := e.Received()
	return received.Upload, err
}
