package consume

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Batch says how much of a partition is delivered at once.
type Batch struct {
	// Records is how many records make a batch; 1 delivers by key. A buffer that is
	// full makes one, too, and so does what is left in it while its partition is
	// paused.
	Records int
	// Linger is how long the first record of a batch waits for the others, be it
	// while the batch before is handled; 0 takes what is there. It has no effect
	// where Records is 1. A stall is noticed that much later.
	Linger time.Duration
}

// keyed reports whether records are delivered one by one, in the order of keys.
func (b Batch) keyed() bool { return b.Records <= 1 }

// overdue lets a batch of s begin that has waited for long enough.
func (c *Consumer) overdue(s *session) {
	c.turns.offer(s)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// beginOverdue begins what overdue offers, until polling ends.
func (c *Consumer) beginOverdue(polling, run context.Context, cl *kgo.Client) {
	for {
		select {
		case <-c.wake:
			c.begin(run, cl)
		case <-polling.Done():
			return
		}
	}
}
