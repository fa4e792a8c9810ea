package workflows

import (
	"hash/fnv"
	"time"

	"orak/activities/messages"
)

// ResumeDigest is the state that a run of AlertDigest passes to the next.
type ResumeDigest struct {
	// Pending is the content of the next message.
	Pending messages.AlertGroup `json:"pending"`
	// Until is when the next message is due, if Pending has news.
	Until time.Time `json:"until"`
	// Recent are the ids of the last alerts in digests that do not use Seen.
	Recent []string `json:"recent,omitempty"`

	// Seen are the last alerts; see type seen.
	Seen []byte `json:"seen,omitempty"`
	// Tracked is true once an alert was of an upload with a workflow, which can be
	// counted.
	Tracked bool `json:"tracked,omitempty"`
	// Total is how often an upload has parked, Unparked how often one is known to
	// have been unparked.
	Total    int `json:"total,omitempty"`
	Unparked int `json:"settled,omitempty"`
	// FirstAt and LastAt are when the first and the last of them parked.
	FirstAt time.Time `json:"first_at,omitzero"`
	LastAt  time.Time `json:"last_at,omitzero"`
	// LookAt is when to count the parked uploads; zero means not before RepeatAt,
	// which is when a reminder is due.
	LookAt   time.Time `json:"look_at,omitzero"`
	RepeatAt time.Time `json:"repeat_at,omitzero"`
	// Again means that the next count is followed by another one.
	Again bool `json:"again,omitempty"`
	// Doubted is true after a count of 0 that Unparked does not explain.
	Doubted bool `json:"doubted,omitempty"`
}

// defaultRepeat is the RepeatInterval of digests that were started without one.
const defaultRepeat = 4 * time.Hour

// step is the next thing that a digest does.
type step int

const (
	stepNone step = iota
	stepPost
	stepLook
	stepRepeat
	stepResolve
	stepEnd
)

// due returns the next step, and when it is due.
func (s *ResumeDigest) due() (step, time.Time) {
	switch {
	case s.Pending.News():
		return stepPost, s.Until
	case !s.Tracked:
		return stepEnd, s.Until
	case !s.LookAt.IsZero() && s.LookAt.Before(s.RepeatAt):
		return stepLook, s.LookAt
	default:
		return stepLook, s.RepeatAt
	}
}

// add adds an alert. It is posted at by, or with a message that is due later.
func (s *ResumeDigest) add(a messages.Alert, by time.Time) {
	if !s.Pending.News() && s.Until.Before(by) {
		s.Until = by
	}
	s.Tracked = s.Tracked || a.WorkflowID != ""
	s.Doubted = false
	if a.Kind == messages.AlertExpiring {
		s.Pending.Expiring = withExpiring(s.Pending.Expiring, a)
		return
	}
	s.Pending = withAlert(s.Pending, a)
	s.Total++
	s.FirstAt, s.LastAt = span(s.FirstAt, s.LastAt, a.At)
}

// unparked notes the hint that an upload was unparked. The count shows it at by.
func (s *ResumeDigest) unparked(by time.Time) {
	s.Unparked++
	s.Again = true
	s.lookBy(by)
}

// lookBy schedules a count at the given time at the latest.
func (s *ResumeDigest) lookBy(at time.Time) {
	if s.LookAt.IsZero() || at.Before(s.LookAt) {
		s.LookAt = at
	}
}

// lookAgain schedules a count at the given time, and no reminder before it.
func (s *ResumeDigest) lookAgain(at time.Time) {
	s.LookAt, s.RepeatAt = at, later(s.RepeatAt, at)
}

// posted notes that the pending message has been posted.
func (s *ResumeDigest) posted(now time.Time, in AlertDigestInput) {
	s.Pending = messages.AlertGroup{}
	s.Until = now.Add(in.GroupInterval)
	s.RepeatAt = now.Add(in.RepeatInterval)
}

// judge decides on the next step by a count. A count of 0 is believed if as many
// uploads are known to be unparked; otherwise it may lag, and is repeated once.
func (s *ResumeDigest) judge(parked *messages.ParkedUploads, now time.Time, in AlertDigestInput) step {
	again := s.Again
	s.LookAt, s.Again = time.Time{}, false
	switch {
	case parked == nil:
		s.lookAgain(now.Add(in.GroupInterval))
		return stepNone
	case parked.Count == 0 && (s.Doubted || s.Unparked >= s.Total):
		return stepResolve
	case parked.Count == 0:
		s.Doubted = true
		s.lookAgain(now.Add(in.GroupInterval))
		return stepNone
	}
	s.Doubted = false
	s.Total = max(s.Total, parked.Count) // some parked before the digest began
	if again {
		s.LookAt = now.Add(in.GroupInterval)
	}
	if now.Before(s.RepeatAt) {
		return stepNone
	}
	return stepRepeat
}

// over resets the state after the resolved message; later alerts start anew.
func (s *ResumeDigest) over(now time.Time) { *s = ResumeDigest{Until: now} }

// adopt takes over the state of a run from before changeParked.
func (d *digest) adopt() {
	d.seen = newSeen(d.state.Seen)
	for _, id := range d.state.Recent {
		d.seen.add(id)
	}
	s := &d.state
	s.Recent = nil
	if p := s.Pending; s.Total == 0 && p.Count > 0 {
		s.Total, s.FirstAt, s.LastAt = p.Count, p.FirstAt, p.LastAt
		for _, a := range p.Samples {
			s.Tracked = s.Tracked || a.WorkflowID != ""
		}
	}
}

func withAlert(g messages.AlertGroup, a messages.Alert) messages.AlertGroup {
	g.FirstAt, g.LastAt = span(g.FirstAt, g.LastAt, a.At)
	g.Samples = withSample(g.Samples, a)
	g.Count++
	return g
}

func withExpiring(g messages.ExpiringGroup, a messages.Alert) messages.ExpiringGroup {
	g.FirstAt, _ = span(g.FirstAt, g.FirstAt, a.ExpiresAt)
	g.Samples = withSample(g.Samples, a)
	g.Count++
	return g
}

func withSample(samples []messages.Alert, a messages.Alert) []messages.Alert {
	if len(samples) < messages.MaxSamples {
		samples = append(samples, a)
	}
	return samples
}

// span extends the time from first to last by at.
func span(first, last, at time.Time) (from, to time.Time) {
	if first.IsZero() || at.Before(first) {
		first = at
	}
	return first, later(last, at)
}

// maxSeen is the number of alerts that a digest remembers, to recognize repeats:
// more than arrive in a storm while one is retried.
const maxSeen = 16 << 10

// seen is a deduplication cache of the last maxSeen alerts, by a hash of their id.
// The hash need not be cryptographic: only orak makes these ids.
type seen struct {
	hashes map[[8]byte]struct{}
	order  [][8]byte
}

func newSeen(b []byte) *seen {
	s := &seen{hashes: map[[8]byte]struct{}{}}
	for ; len(b) >= 8; b = b[8:] {
		s.put([8]byte(b))
	}
	return s
}

// add adds an alert, and reports whether it is new.
func (s *seen) add(id string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return s.put([8]byte(h.Sum(nil)))
}

func (s *seen) put(key [8]byte) bool {
	if _, ok := s.hashes[key]; ok {
		return false
	}
	if len(s.order) == maxSeen {
		delete(s.hashes, s.order[0])
		s.order = s.order[1:]
	}
	s.hashes[key] = struct{}{}
	s.order = append(s.order, key)
	return true
}

// bytes encodes s for newSeen.
func (s *seen) bytes() []byte {
	b := make([]byte, 0, 8*len(s.order))
	for _, key := range s.order {
		b = append(b, key[:]...)
	}
	return b
}
