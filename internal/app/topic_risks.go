package app

import (
	"context"
	"sync"
	"time"

	"orak/internal/kafka"
	"orak/internal/temporal"
)

// tellTopicRisks logs what is wrong with the topics of a cluster, each with the command that mends
// it. Nothing waits for it: uploads are taken with such topics, too.
func (a *App) tellTopicRisks(ctx context.Context, c *cluster) {
	risks, err := kafka.TopicRisks(ctx, c.client(), a.cfg.topicsOn(c.Cluster), a.closedWorkflows(ctx))
	if err != nil {
		a.log.WarnContext(ctx, "could not compare the topics with what orak needs of them", "error", err)
		return
	}
	for _, r := range risks {
		a.log.WarnContext(ctx, "topic is at risk", "topic", r.Topic, "risk", r.Code, "have", r.Have, "want", r.Want, "meaning", r.Meaning, "mend", r.Mend)
	}
}

// closed remembers how long Temporal keeps what is over: looks at the topics, which come
// every few seconds, do not wait for a Temporal that hangs.
type closed struct {
	mu    sync.Mutex
	asked time.Time
	last  kafka.Closed
}

// closedFor is how long an answer is used, also that there was none.
const closedFor = time.Minute

// closedWorkflows is how long Temporal keeps what is over, as far as this process knows
// a Temporal that answers.
func (a *App) closedWorkflows(ctx context.Context) kafka.Closed {
	a.closed.mu.Lock()
	defer a.closed.mu.Unlock()
	if time.Since(a.closed.asked) >= closedFor {
		a.closed.last, a.closed.asked = a.askClosed(ctx), time.Now()
	}
	return a.closed.last
}

func (a *App) askClosed(ctx context.Context) kafka.Closed {
	closed := kafka.Closed{Namespace: a.cfg.Temporal.Namespace}
	if a.temporal == nil {
		return closed
	}
	ctx, cancel := context.WithTimeout(ctx, retentionWithin)
	defer cancel()
	kept, err := temporal.Retention(ctx, a.temporal, closed.Namespace)
	if err != nil {
		a.log.DebugContext(ctx, "the retention of Temporal is not known yet", "error", err)
		return closed
	}
	closed.Kept = kept
	return closed
}
