package workflows

import (
	"hash/fnv"
	"time"

	"orak/activities/messages"
)

// ResumeDigest is what a run of AlertDigest hands to the next.
type ResumeDigest struct {
	// Pending is what the next message tells.
	Pending messages.AlertGroup `json:"pending"`
	// Until is when the next message is due, if there is something to tell.
	Until time.Time `json:"until"`
	// Recent are the ids of the last alerts, of digests that do not use Seen.
	Recent []string `json:"recent,omitempty"`

	// Seen are the last alerts; see seen.
	Seen []byte `json:"seen,omitempty"`
	// Tracked is set once an alert was of an upload with a workflow, which can
	// be counted.
	Tracked bool `json:"tracked,omitempty"`
	// Total is how often an upload was parked, Settled how often one is known
	// to be parked no longer.
	Total    int `json:"total,omitempty"`
	Unparked int `json:"settled,omitempty"`
	// FirstAt and LastAt are when the first and the last of them were parked.
	FirstAt time.Time `json:"first_at,omitzero"`
	LastAt  time.Time `json:"last_at,omitzero"`
	// LookAt is when the parked uploads are to be counted; zero means not
	// before RepeatAt, which is when it is time to tell again.
	LookAt   time.Time `json:"look_at,omitzero"`
	RepeatAt time.Time `json:"repeat_at,omitzero"`
	// Again has the next count followed by another.
	Again bool `json:"again,omitempty"`
	// Doubted is set after a count of 0 that Settled does not explain.
	Doubted bool `json:"doubted,omitempty"`
}

// defaultRepeat is the repeat interval of digests that were started without
// one.
const defaultRepeat = 4 * time.Hour

// step is what a digest does next.
type step int

const (
	stepNone step = iota
	stepTell
	stepLook
	stepRepeat
	stepResolve
	stepEnd
)

// due is what comes next, and when.
func (s *ResumeDigest) due() (step, time.Time) {
	switch {
	case s.Pending.News():
		return stepTell, s.Until
	case !s.Tracked:
		return stepEnd, s.Until
	case !s.LookAt.IsZero() && s.LookAt.Before(s.RepeatAt):
		return stepLook, s.LookAt
	default:
		return stepLook, s.RepeatAt
	}
}

// add takes an alert. by is when it is told, where no message is due later.
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

// settle takes the hint that an upload is parked no longer. by is when the
// count shows it.
func (s *ResumeDigest) unparked(by time.Time) {
	s.Unparked++
	s.Again = true
	s.lookBy(by)
}

// lookBy has the parked uploads counted at a time at the latest.
func (s *ResumeDigest) lookBy(at time.Time) {
	if s.LookAt.IsZero() || at.Before(s.LookAt) {
		s.LookAt = at
	}
}

// lookAgain has them counted at a time, and nothing told before.
func (s *ResumeDigest) lookAgain(at time.Time) {
	s.LookAt, s.RepeatAt = at, maxTime(s.RepeatAt, at)
}

// told notes that what was pending has been posted.
func (s *ResumeDigest) told(now time.Time, in AlertDigestInput) {
	s.Pending = messages.AlertGroup{}
	s.Until = now.Add(in.GroupInterval)
	s.RepeatAt = now.Add(in.RepeatInterval)
}

// judge decides by a count. None parked is believed where as many are known to
// be settled; otherwise the count may lag behind, and is made once more.
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
	s.Total = max(s.Total, parked.Count) // some were parked before the digest began
	if again {
		s.LookAt = now.Add(in.GroupInterval)
	}
	if now.Before(s.RepeatAt) {
		return stepNone
	}
	return stepRepeat
}

// over forgets what the resolved note told; alerts that come with it begin
// anew.
func (s *ResumeDigest) over(now time.Time) { *s = ResumeDigest{Until: now} }

// adopt takes over from a run that did not live while uploads are parked.
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

// span is the time from first to last, with at in it.
func span(first, last, at time.Time) (from, to time.Time) {
	if first.IsZero() || at.Before(first) {
		first = at
	}
	return first, maxTime(last, at)
}

func maxTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// maxSeen is how many alerts a digest remembers to tell a repeat: more than
// come while one is tried again, in a storm.
const maxSeen = 16 << 10

// seen remembers the last maxSeen alerts, as hashes of their ids, which we
// make and nobody has an interest to make equal.
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

// add reports whether an alert is new.
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

// bytes are what newSeen makes a seen of.
func (s *seen) bytes() []byte {
	b := make([]byte, 0, 8*len(s.order))
	for _, key := range s.order {
		b = append(b, key[:]...)
	}
	return b
}
