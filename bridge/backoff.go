package bridge

import (
	"math/rand/v2"
	"time"
)

const minBackoff = 100 * time.Millisecond

// backoff gives the waits between the tries of one record: each twice as long
// as the one before up to limit, and jittered, so that records which failed
// together do not come back together.
type backoff struct {
	limit time.Duration
	next  time.Duration
}

func newBackoff(limit time.Duration) *backoff { return &backoff{limit: limit, next: minBackoff} }

// wait is between half and the whole of the step.
func (b *backoff) wait() time.Duration {
	step := min(b.next, b.limit)
	b.next = min(2*step, b.limit)
	return step/2 + rand.N(step/2+1)
}
