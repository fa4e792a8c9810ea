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

// surveyor makes a plan from records.
type surveyor struct {
	plan *Plan
	// live has the offsets that the bridges have committed, by partition.
	live map[int32]int64
	// seen has the uploads whose announcement was read. If only some uploads
	// are selected, those that were not read yet are in it as false.
	seen map[orak.UploadID]bool
	// withdrawn has the uploads that a record asks to cancel or erase.
	withdrawn map[withdrawal]bool
	// chosen has the announcements of the uploads that the plan starts.
	chosen map[orak.UploadID]Announcement
	// notified has the recordings in bucket that were read in notifications.
	notified map[orak.UploadID]Announcement
	bucket   string
}

// newSurveyor returns a surveyor that fills in p.
func (r *Replayer) newSurveyor(p *Plan, live map[int32]int64) *surveyor {
	s := &surveyor{
		plan: p, live: live, seen: make(map[orak.UploadID]bool), withdrawn: make(map[withdrawal]bool),
		chosen: make(map[orak.UploadID]Announcement), notified: make(map[orak.UploadID]Announcement),
	}
	if r.deps.Recordings != nil {
		s.bucket = r.deps.Recordings.Bucket()
	}
	for _, id := range p.Selection.IDs {
		s.seen[id] = false
	}
	return s
}

// sift returns the first announcement of each selected upload, and counts the
// records.
func (s *surveyor) sift(records []*kgo.Record) []Announcement {
	p := s.plan
	var kept []Announcement
	for _, rec := range records {
		if entries, ok, err := events.NotificationFrom(rec); ok && err == nil {
			if p.Selection.covers(rec.Timestamp) {
				s.notify(rec, entries)
			}
			continue
		}
		u, err := decode(rec)
		var withdrawn withdrawalError
		if errors.As(err, &withdrawn) {
			s.withdraw(withdrawn.withdrawal)
		}
		if !p.Selection.covers(rec.Timestamp) || !s.selects(u.ID) {
			continue
		}
		s.span(rec.Timestamp.UTC())
		switch {
		case errors.Is(err, errNoAnnouncement):
			p.Skipped++
		case err != nil:
			p.Undecodable++
			p.Examples = example(p.Examples, rec, err)
		case s.seen[u.ID]:
			p.Repeats++
		default:
			s.seen[u.ID] = true
			kept = append(kept, Announcement{ID: u.ID, Tenant: u.Tenant, Position: Position{Partition: rec.Partition, Offset: rec.Offset}})
		}
	}
	return kept
}

// selects reports whether the selection allows an upload. A record without an
// upload has an empty id, which is selected only together with all others.
func (s *surveyor) selects(id orak.UploadID) bool {
	if len(s.plan.Selection.IDs) == 0 {
		return true
	}
	_, selected := s.seen[id]
	return selected
}

// withdraw takes an upload out of the plan.
func (s *surveyor) withdraw(w withdrawal) {
	s.withdrawn[w] = true
	a, ok := s.chosen[w.id]
	if !ok || a.Tenant != w.tenant {
		return
	}
	p := s.plan
	was := p.chosen[a.Position]
	if was != Missing && was != Failed {
		return
	}
	delete(s.chosen, w.id)
	delete(p.chosen, a.Position)
	p.Start[was]--
	p.States[was]--
	p.States[Withdrawn]++
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

// count adds an upload to the plan.
func (s *surveyor) count(a Announcement, found workflowState) {
	p := s.plan
	state := found.state
	if s.withdrawn[withdrawal{a.ID, a.Tenant}] && (state == Missing || state == Failed) {
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
	p.chosen[a.Position] = state
	s.chosen[a.ID] = a
}

// conclude lists the selected uploads that no record announces.
func (s *surveyor) conclude() {
	for id, seen := range s.seen {
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
