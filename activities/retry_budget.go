package activities

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"orak"
)

// Budget is the retry policy of the stages: how often and for how long failures
// are retried, by their class. Nothing else decides that; Temporal's own policy
// (package workflows, retry_policy.go) retries stages without end.
type Budget struct {
	Attempts int           `name:"retry-attempts" help:"Counted attempts of a stage before it is dead-lettered: failures of class transient and model, and crashes of the worker." default:"3"`
	Delay    time.Duration `name:"retry-delay" help:"Delay before the second attempt; it doubles with each further one." default:"1s"`
	MaxDelay time.Duration `name:"retry-max-delay" help:"Longest delay between two attempts, unless the other side asks for more." default:"30s"`
	Patience time.Duration `name:"retry-patience" help:"How long an outage (class dependency) or an overload is retried without counting attempts, before the upload is dead-lettered." default:"24h"`
	Arrival  time.Duration `name:"retry-arrival" help:"How long an announced recording may be missing in the store before its announcement counts as wrong (class input). An announcement may come before its object; no attempt is counted meanwhile." default:"10s"`
}

// maxRetryAfter bounds the delay that another server can ask for in one answer: a
// wrong date in a header must not make an upload look stuck.
const maxRetryAfter = 10 * time.Minute

// Validate returns an error for the first setting that cannot work.
func (b Budget) Validate() error {
	switch {
	case b.Attempts < 1:
		return fmt.Errorf("retry-attempts %d: want at least 1", b.Attempts)
	case b.Delay <= 0:
		return fmt.Errorf("retry-delay %v: want more than 0", b.Delay)
	case b.MaxDelay < b.Delay:
		return fmt.Errorf("retry-max-delay %v: want at least retry-delay (%v)", b.MaxDelay, b.Delay)
	case b.Patience < 0:
		return errors.New("retry-patience: want at least 0")
	case b.Arrival < 0:
		return errors.New("retry-arrival: want at least 0")
	}
	return nil
}

// Heartbeat is the detail of a heartbeat of a stage. The server keeps it when the
// worker dies and gives it to the next attempt; the API reads Done from the
// pending activity.
type Heartbeat struct {
	// Done is the share of the step that is done, 0 to 1; nil where that is not
	// known.
	Done *float64 `json:"done,omitempty"`
	// Attempts is the number of counted attempts that have begun, including this
	// one.
	Attempts int `json:"attempts"`
	// BegunAt is when this attempt began.
	BegunAt time.Time `json:"begun_at"`
	// Open is true while this attempt runs. The next attempt that finds it true
	// knows that this one crashed.
	Open bool `json:"open,omitempty"`
	// FirstAt is when an attempt first failed; zero while none has.
	FirstAt time.Time `json:"first_at,omitzero"`
	// Waits is the number of consecutive attempts that failed in a waiting class,
	// since WaitingSince.
	Waits        int       `json:"waits,omitempty"`
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	// Failed are the failed attempts in order, at most MaxFailed: the oldest
	// after the first are dropped.
	Failed []orak.Mark `json:"failed,omitempty"`
	// Reconciled is what the pages of a reconciliation did so far; nil in every other
	// activity, and before its first page.
	Reconciled *Reconciled `json:"reconciled,omitempty"`
	// Suspect means that this recording may have made the server fail; see
	// orak.Fault. Later attempts are alone with the server.
	Suspect bool `json:"suspect,omitempty"`
}

// MaxFailed bounds Heartbeat.Failed.
const MaxFailed = 8

// messageCrashed describes an attempt that crashed.
const messageCrashed = "This step did not end: it took too long, or the worker that ran it stopped."

// begin charges an attempt in advance.
func (h Heartbeat) begin(now time.Time) Heartbeat {
	h.Done = nil
	h.Attempts++
	h.BegunAt = now
	h.Open = true
	return h
}

// found returns the heartbeat of the previous attempt as the next one accounts
// for it: an attempt that is still open has crashed.
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

// remember adds a failed attempt. Attempts that wait for the same outage are added
// once.
func (h Heartbeat) remember(m orak.Mark) Heartbeat {
	if n := len(h.Failed); n > 0 && m.Attempt == 0 {
		if last := h.Failed[n-1]; last.Attempt == 0 && last.Class == m.Class && last.Message == m.Message {
			return h
		}
	}
	h.Failed = orak.AddMark(h.Failed, m, MaxFailed)
	return h
}

// refund reverts the charge of an attempt.
func (h Heartbeat) refund() Heartbeat {
	h.Done = nil
	h.Attempts--
	h.Open = false
	return h
}

// verdict says whether a failed attempt is retried, and after which delay.
type verdict struct {
	retry bool
	delay time.Duration
}

// spent reports whether no attempts are left.
func (b Budget) spent(h Heartbeat) bool { return h.Attempts >= b.Attempts }

// judge decides on a failed attempt. It returns the heartbeat for the next one,
// and whether there is a next one.
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

// backoff returns Delay doubled n times, at most MaxDelay.
func (b Budget) backoff(n int) time.Duration {
	d := b.Delay
	for range n {
		if d *= 2; d >= b.MaxDelay {
			return b.MaxDelay
		}
	}
	return d
}

// spread shortens d by up to a quarter, at random, so that the uploads that one
// outage stopped are not all retried at the same moment.
func spread(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
