package activities

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"orak"
)

// Budget says how often and how long the failures of a stage are retried, by
// their class. It is the one place that decides so.
type Budget struct {
	Attempts int           `name:"retry-attempts" help:"Counted attempts of a stage in all, before it is dead-lettered: failures of class transient and model, and crashes of the worker." default:"3"`
	Delay    time.Duration `name:"retry-delay" help:"Wait before the second attempt; it doubles with each further one." default:"1s"`
	MaxDelay time.Duration `name:"retry-max-delay" help:"Longest wait between two attempts, unless the other side asks for more." default:"30s"`
	Patience time.Duration `name:"retry-patience" help:"How long an outage (class dependency) or an overload is waited out without counting attempts, before the upload is dead-lettered." default:"24h"`
	Arrival  time.Duration `name:"retry-arrival" help:"How long an announced recording may be missing in the store before its announcement counts as wrong (class input), so that an announcement may come before its object; no attempt is counted." default:"10s"`
}

// maxRetryAfter bounds how long another server can make an upload wait by one
// answer: a header with a wrong date must not look like a stuck upload.
const maxRetryAfter = 10 * time.Minute

// Validate reports the first setting that cannot work.
func (b Budget) Validate() error {
	switch {
	case b.Attempts < 1:
		return fmt.Errorf("retry-attempts %d: want 1 at least", b.Attempts)
	case b.Delay <= 0:
		return fmt.Errorf("retry-delay %v: want more than 0", b.Delay)
	case b.MaxDelay < b.Delay:
		return fmt.Errorf("retry-max-delay %v: want retry-delay (%v) at least", b.MaxDelay, b.Delay)
	case b.Patience < 0:
		return errors.New("retry-patience: want 0 at least")
	case b.Arrival < 0:
		return errors.New("retry-arrival: want 0 at least")
	}
	return nil
}

// Heartbeat is the one detail that a stage's heartbeats carry. The server
// keeps it over the worker's death and gives it to the next attempt; the API
// reads Done from the pending activity.
type Heartbeat struct {
	// Done is the share of the step that is done, 0 to 1; absent where the
	// step does not know.
	Done *float64 `json:"done,omitempty"`
	// Attempts is how many counted attempts have begun, with this one.
	Attempts int `json:"attempts"`
	// BegunAt is when this attempt began.
	BegunAt time.Time `json:"begun_at"`
	// Open is true while this attempt runs. The next one that finds it so
	// knows that this one died without a word.
	Open bool `json:"open,omitempty"`
	// FirstAt is when an attempt first failed.
	FirstAt time.Time `json:"first_at,omitzero"`
	// Waits counts the attempts in a row that ended in waiting, since
	// WaitingSince.
	Waits        int       `json:"waits,omitempty"`
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	// Failed are the attempts that failed, in order; MaxFailed at most, of
	// which the oldest after the first are dropped.
	Failed []orak.Mark `json:"failed,omitempty"`
	// Suspect says that an attempt failed as a server does that cannot bear this
	// recording; see orak.Fault. Attempts after it are alone with the server.
	Suspect bool `json:"suspect,omitempty"`
}

// MaxFailed bounds Heartbeat.Failed.
const MaxFailed = 8

// messageCrashed is what is known of an attempt that died without a word.
const messageCrashed = "This step did not come to an end: it took too long, or the worker that ran it stopped."

// begin charges an attempt, before it has done anything.
func (h Heartbeat) begin(now time.Time) Heartbeat {
	h.Done = nil
	h.Attempts++
	h.BegunAt = now
	h.Open = true
	return h
}

// found is what an attempt makes of what the one before it left: one that is
// still open has crashed.
func (h Heartbeat) found(stage orak.Stage, now time.Time) Heartbeat {
	if !h.Open {
		return h
	}
	h.Open = false
	if h.FirstAt.IsZero() {
		h.FirstAt = h.BegunAt
	}
	return h.remember(orak.Mark{At: now.UTC(), Kind: orak.MarkAttemptFailed, Stage: stage,
		Class: orak.ClassTransient, Message: messageCrashed, Attempt: h.Attempts})
}

// remember adds a failed attempt. Those that wait out one outage are one.
func (h Heartbeat) remember(m orak.Mark) Heartbeat {
	if n := len(h.Failed); n > 0 && m.Attempt == 0 {
		if last := h.Failed[n-1]; last.Attempt == 0 && last.Class == m.Class && last.Message == m.Message {
			return h
		}
	}
	h.Failed = orak.AddMark(h.Failed, m, MaxFailed)
	return h
}

// refund takes the charge of an attempt back.
func (h Heartbeat) refund() Heartbeat {
	h.Done = nil
	h.Attempts--
	h.Open = false
	return h
}

// verdict is what follows from a failed attempt.
type verdict struct {
	retry bool
	delay time.Duration
}

// spent reports whether nothing is left of the budget, as an attempt finds it
// that follows a crash.
func (b Budget) spent(h Heartbeat) bool { return h.Attempts >= b.Attempts }

// settle judges a failed attempt: what the next one shall know, and whether
// there is a next one.
func (b Budget) judge(h Heartbeat, f *orak.Fault, now time.Time) (Heartbeat, verdict) {
	if h.FirstAt.IsZero() {
		h.FirstAt = now
	}
	h.Done = nil
	h.Open = false
	h.Suspect = h.Suspect || f.Suspect
	switch f.Class {
	case orak.ClassTransient, orak.ClassModel:
		h.Waits, h.WaitingSince = 0, time.Time{}
		return h, verdict{retry: !b.spent(h), delay: b.backoff(h.Attempts - 1)}
	case orak.ClassOverload, orak.ClassDependency:
		h = h.refund()
		if h.WaitingSince.IsZero() {
			h.WaitingSince = now
		}
		delay := max(spread(b.backoff(h.Waits)), min(f.RetryAfter, maxRetryAfter))
		h.Waits++
		return h, verdict{retry: now.Sub(h.WaitingSince) < b.Patience, delay: delay}
	default:
		return h, verdict{}
	}
}

// backoff is Delay doubled n times, MaxDelay at most.
func (b Budget) backoff(n int) time.Duration {
	d := b.Delay
	for range n {
		if d *= 2; d >= b.MaxDelay {
			return b.MaxDelay
		}
	}
	return d
}

// spread shortens d by up to a quarter, so that the uploads which one outage
// stopped do not all come back in the same instant.
func spread(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
