package lag

import "time"

// NoCommit is the committed offset of a partition that has none.
const NoCommit int64 = -1

// Sample is what was read of a partition at one time.
type Sample struct {
	At time.Time
	// Start is the offset of the first retained record, End that of the next
	// record.
	Start, End int64
	// Committed is the committed offset, or NoCommit.
	Committed int64
	// Oldest is the timestamp of the first record that is not committed; zero if
	// there is none, or if it could not be read.
	Oldest time.Time
}

// Position returns the offset of the first record that is not committed: Committed,
// or Start if there is no commit or that record was deleted.
func (s Sample) Position() int64 { return max(s.Committed, s.Start) }

// Lag returns how many offsets are not committed, 0 or more.
func (s Sample) Lag() int64 { return max(0, s.End-s.Position()) }

// Lost returns how many offsets were deleted before the group committed past them,
// 0 or more.
func (s Sample) Lost() int64 {
	if s.Committed == NoCommit {
		return 0
	}
	return max(0, s.Start-s.Committed)
}

// Behind returns the age of the first record that is not committed; 0 without a
// lag. ok is false if there is a lag and its age is not known.
func (s Sample) Behind() (age time.Duration, ok bool) {
	if s.Lag() == 0 {
		return 0, true
	}
	return max(0, s.At.Sub(s.Oldest)), !s.Oldest.IsZero()
}

// Rules are the parameters of Evaluate.
type Rules struct {
	// Window is the time over which samples are judged.
	Window time.Duration
	// Allowed is the lag, in offsets, up to which a partition is caught up.
	Allowed int64
	// Age is the age of the oldest record that is not committed up to which a
	// partition is caught up: how long records wait for their batch.
	Age time.Duration
	// Batched has the Age of groups that write in batches; see Rules.Of.
	Batched map[string]time.Duration
}

// Of returns the rules for a group.
func (r Rules) Of(group string) Rules {
	if age, ok := r.Batched[group]; ok {
		r.Age = age
	}
	return r
}

// Complete returns the share of the window that the samples cover, 0 to 1.
func (r Rules) Complete(samples []Sample) float64 {
	if len(samples) == 0 {
		return 0
	}
	span := samples[len(samples)-1].At.Sub(samples[0].At)
	return min(1, float64(span)/float64(r.Window))
}

// Evaluate returns the status of one partition from its samples, the oldest first;
// see the package comment for the rules. Of the samples from before the window only
// the last may be present, so that they cover the window.
func Evaluate(samples []Sample, r Rules) Status {
	if len(samples) == 0 {
		return StatusUnknown
	}
	last := samples[len(samples)-1]
	if last.Lag() <= r.Allowed {
		return StatusOK
	}
	if age, known := last.Behind(); known && age <= r.Age && r.Age > 0 {
		return StatusOK
	}
	m := movementOf(samples, r)
	complete := r.Complete(samples) >= 1
	switch {
	case complete && m.still && !m.caughtUp && m.headMoved:
		return StatusStop
	case m.wentBack:
		return StatusRewind
	case m.caughtUp || !m.still && m.fell:
		return StatusOK
	case !complete:
		return StatusUnknown
	case m.still:
		return StatusStall
	case !m.fell:
		return StatusWarn
	default:
		return StatusOK
	}
}

// movement is what the rules ask of the samples.
type movement struct {
	still     bool // all samples have the same commit
	headMoved bool // records were written
	wentBack  bool // the last commit is behind an earlier one
	caughtUp  bool // a lag was within Rules.Allowed
	fell      bool // a lag was less than the one before
}

func movementOf(samples []Sample, r Rules) movement {
	first, last := samples[0], samples[len(samples)-1]
	m := movement{still: true, headMoved: last.End > first.End}
	for i, s := range samples {
		m.still = m.still && s.Committed == first.Committed
		m.wentBack = m.wentBack || last.Committed != NoCommit && s.Committed > last.Committed
		m.caughtUp = m.caughtUp || s.Lag() <= r.Allowed
		m.fell = m.fell || i > 0 && s.Lag() < samples[i-1].Lag()
	}
	return m
}
