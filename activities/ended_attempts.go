package activities

import (
	"sync"

	"go.temporal.io/sdk/activity"
)

// memory is what this process knows of attempts that ended in it. The server
// may not: where it is away, or cut off, for longer than an attempt's
// heartbeat timeout, it takes the attempt for dead, and what became of it
// never arrives. The next attempt would count it as a crash; where it runs in
// the same process it learns here how it really ended. (In another process it
// counts as a crash.)
type endedAttempts struct {
	mu    sync.Mutex
	left  map[step]Heartbeat
	order []step
}

// maxEnded bounds memory: as many attempts as end between an outage's begin
// and the retries after it. One takes some hundred bytes.
const maxEnded = 10_000

// step is an activity of a run, whatever the attempt.
type step struct{ run, activity string }

func stepOf(info activity.Info) step { return step{info.WorkflowExecution.RunID, info.ActivityID} }

// keep notes what an attempt of s left when it ended.
func (m *endedAttempts) keep(s step, h Heartbeat) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == nil {
		m.left = make(map[step]Heartbeat)
	}
	if _, known := m.left[s]; !known {
		m.order = append(m.order, s)
	}
	m.left[s] = h
	if len(m.order) > maxEnded {
		delete(m.left, m.order[0])
		m.order = m.order[1:]
	}
}

// latest is what the attempt before this one left, where told is what the
// server has of it.
func (m *endedAttempts) latest(s step, told Heartbeat) Heartbeat {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h, ok := m.left[s]; ok && told.Open && h.BegunAt.Equal(told.BegunAt) {
		return h
	}
	return told
}
