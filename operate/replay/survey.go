package replay

import (
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// surveyor gathers a plan from records.
type surveyor struct {
	plan *Plan
	// live is where the bridge's group stands.
	live map[int32]int64
	// seen has the uploads that were met; where only some are wanted, those
	// that were not are in it as false.
	seen map[orak.UploadID]bool
	// canceled has the uploads that a record asks to cancel or erase, and chosen where
	// those that would be started are.
	canceled map[owned]bool
	chosen   map[orak.UploadID]spot
	// notified has the recordings that were met in notifications of bucket.
	notified map[orak.UploadID]spot
	bucket   string
}

// surveyor gathers what becomes p.
func (r *Replayer) surveyor(p *Plan, live map[int32]int64) *surveyor {
	s := &surveyor{
		plan: p, live: live, seen: make(map[orak.UploadID]bool),
		canceled: make(map[owned]bool), chosen: make(map[orak.UploadID]spot), notified: make(map[orak.UploadID]spot),
	}
	if r.deps.Recordings != nil {
		s.bucket = r.deps.Recordings.Bucket()
	}
	for _, id := range p.Selection.IDs {
		s.seen[id] = false
	}
	return s
}

// owned is an upload and its owner, who alone may cancel it.
type owned struct {
	id     orak.UploadID
	tenant orak.Tenant
}

// spot is where an upload is announced, and whose it is.
type spot struct {
	partition int32
	place
	tenant orak.Tenant
}

// found is the first announcement of an upload.
type found struct {
	id orak.UploadID
	spot
}

// sift keeps the first announcement of each upload that is looked for.
func (s *surveyor) sift(records []*kgo.Record) []found {
	p := s.plan
	var kept []found
	for _, rec := range records {
		if entries, ok, err := events.NotificationFrom(rec); ok && err == nil {
			if p.Selection.covers(rec.Timestamp) {
				s.notify(rec, entries)
			}
			continue
		}
		u, err := decode(rec)
		var asked canceledError
		if errors.As(err, &asked) {
			s.cancel(asked.owned)
		}
		if !p.Selection.covers(rec.Timestamp) || !s.looksFor(u.ID) {
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
			kept = append(kept, found{u.ID, spot{rec.Partition, place{rec.Offset, 0}, u.Tenant}})
		}
	}
	return kept
}

// looksFor reports whether an upload may be replayed; a record that is of no
// upload matters only where all of them do.
func (s *surveyor) looksFor(id orak.UploadID) bool {
	if len(s.plan.Selection.IDs) == 0 {
		return true
	}
	_, wanted := s.seen[id]
	return wanted
}

// cancel takes back the choice of an upload that somebody asked to cancel
// after it was announced.
func (s *surveyor) cancel(u owned) {
	s.canceled[u] = true
	at, ok := s.chosen[u.id]
	if !ok || at.tenant != u.tenant {
		return
	}
	p := s.plan
	was := p.chosen[at.partition][at.place]
	if was != Missing && was != Failed {
		return
	}
	delete(s.chosen, u.id)
	delete(p.chosen[at.partition], at.place)
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

func (s *surveyor) count(f found, at standing) {
	p := s.plan
	if s.canceled[owned{f.id, f.tenant}] && (at.state == Missing || at.state == Failed) {
		at.state = Withdrawn
	}
	p.States[at.state]++
	if at.state == Missing && f.offset >= s.live[f.partition] {
		p.Ahead++
	}
	if at.recent || !p.Selection.wants(at.state) {
		return
	}
	p.Start[at.state]++
	if p.chosen[f.partition] == nil {
		p.chosen[f.partition] = make(map[place]State)
	}
	p.chosen[f.partition][f.place] = at.state
	s.chosen[f.id] = f.spot
}

func (s *surveyor) conclude() {
	for id, met := range s.seen {
		if !met {
			s.plan.Absent = append(s.plan.Absent, id)
		}
	}
	slices.Sort(s.plan.Absent)
}

// errNoAnnouncement says that a record is an event that announces no upload.
var errNoAnnouncement = errors.New("no announcement")

// canceledError is errNoAnnouncement of an event that asks to cancel an upload,
// or to erase it.
type canceledError struct{ owned }

func (canceledError) Error() string { return "asks to cancel an upload" }

func (canceledError) Is(target error) bool { return target == errNoAnnouncement }

// decode reads the upload that a record announces, which is no notification.
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
		return orak.Upload{}, canceledError{owned{c.ID, c.Tenant}}
	case e.Type == events.Erased:
		gone, err := e.Erasure()
		if err != nil {
			return orak.Upload{}, err
		}
		return orak.Upload{}, canceledError{owned{gone.ID, gone.Tenant}}
	case e.Type != events.UploadReceived:
		return orak.Upload{}, errNoAnnouncement
	}
	received, err := e.Received()
	return received.Upload, err
}
