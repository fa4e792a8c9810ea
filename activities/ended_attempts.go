package activities

import (
	"sync"

	"go.temporal.io/sdk/activity"
)

// endedAttempts remembers the attempts that ended in this process. The server may
// not know how: where it is unreachable for longer than the heartbeat timeout, it
// declares the attempt dead, and its result never arrives. The next attempt would
// count that as a crash; in the same process it finds here how the attempt ended.
// (In another process it counts as a crash.)
type endedAttempts struct {
	mu    sync.Mutex
	left  map[step]Heartbeat
	order []step
}

// maxEnded bounds the attempts that are remembered: as many as end between the
// start of an outage and the retries after it. One takes some hundred bytes.
const maxEnded = 10_000

// step identifies an activity of a run, whatever the attempt.
type step struct{ run, activity string }

func stepOf(info activity.Info) step { return step{info.WorkflowExecution.RunID, info.ActivityID} }

// keep remembers the last heartbeat of an attempt of s that ended.
func (e *endedAttempts) keep(s step, h Heartbeat) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left == nil {
		e.left = make(map[step]Heartbeat)
	}
	if _, known := e.left[s]; !known {
		e.order = append(e.order, s)
	}
	e.left[s] = h
	if len(e.order) > maxEnded {
		delete(e.left, e.order[0])
		e.order = e.order[1:]
	}
}

// latest returns the last heartbeat of the attempt before this one; recorded is
// the one that the server has.
func (e *endedAttempts) latest(s step, recorded Heartbeat) Heartbeat {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h, ok := e.left[s]; ok && recorded.Open && h.BegunAt.Equal(recorded.BegunAt) {
		return h
	}
	return recorded
}
