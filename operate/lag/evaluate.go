package lag

import "time"

// NoCommit is the committed offset of a partition that has none.
const NoCommit int64 = -1

// Sample is what one look at a partition saw.
type Sample struct {
	At time.Time
	// Start and End bound what the log holds: the offset of its first record,
	// and the one that the next record will get.
	Start, End int64
	// Committed is the next record that the group will read, or NoCommit.
	Committed int64
	// Oldest is the timestamp of the first record that is not committed; zero
	// where there is none, or where it could not be read.
	Oldest time.Time
}

// Position is the first record that waits for the group: the committed one,
// or the log's first where there is no commit or that record is gone.
func (s Sample) Position() int64 { return max(s.Committed, s.Start) }

// Lag is how many offsets are not committed, 0 or more.
func (s Sample) Lag() int64 { return max(0, s.End-s.Position()) }

// Lost is how many offsets were deleted before the group read them, 0 or more.
func (s Sample) Lost() int64 {
	if s.Committed == NoCommit {
		return 0
	}
	return max(0, s.Start-s.Committed)
}

// Behind is how old the first record that is not committed was; 0 without a
// lag. ok is false where there is a lag and its age is not known.
func (s Sample) Behind() (age time.Duration, ok bool) {
	if s.Lag() == 0 {
		return 0, true
	}
	return max(0, s.At.Sub(s.Oldest)), !s.Oldest.IsZero()
}

// Rules are what samples are judged by.
type Rules struct {
	// Window is the time over which movement is judged.
	Window time.Duration
	// Allowed is the lag, in offsets, that is no lag.
	Allowed int64
}

// Complete is the share of the window that the samples span, 0 to 1.
func (r Rules) Complete(samples []Sample) float64 {
	if len(samples) == 0 {
		return 0
	}
	span := samples[len(samples)-1].At.Sub(samples[0].At)
	return min(1, float64(span)/float64(r.Window))
}

// Evaluate judges the samples of one partition, the oldest first; see the
// package comment for the rules. Samples from before the window must have been
// dropped, but for the last of them, so that what is left spans all of it.
func Evaluate(samples []Sample, r Rules) Status {
	if len(samples) == 0 {
		return StatusUnknown
	}
	last := samples[len(samples)-1]
	if last.Lag() <= r.Allowed {
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

// movement is what the rules ask about samples.
type movement struct {
	still     bool // every commit is the same
	headMoved bool // records came in
	wentBack  bool // the last commit is behind an earlier one
	caughtUp  bool // a lag was no lag
	fell      bool // a lag was below the one before
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
