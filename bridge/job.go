package bridge

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// job is one record being handled. It begins with a place in the in-flight
// budget, and gives it up for good once it has to wait for a dependency.
type job struct {
	s *session
	r *kgo.Record
	// others begins other records in the place that this one gave up.
	others func()
	// aside is what the record waits for; nil while it has its place.
	aside *dependency
}

// stepAside gives the place of j in the in-flight budget to others, since j
// waits for on, or takes long with it. The key of j stays underway, so that its
// records keep their order, and the partition's bound holds back further ones.
func (b *Bridge) stepAside(j *job, on *dependency) {
	before := j.aside
	if before == on {
		return
	}
	j.aside = on
	on.aside.Inc()
	if before != nil {
		before.aside.Dec()
		return
	}
	b.metrics.inflight.Dec()
	j.s.stepAside(j.r)
	b.turns.done()
	j.others()
}

// leave ends j: the next record of its key may have its turn, and another one
// its place.
func (b *Bridge) leave(j *job) {
	more := j.s.release(string(j.r.Key))
	if j.aside == nil {
		b.metrics.inflight.Dec()
		b.turns.done()
	} else {
		j.aside.aside.Dec()
		j.s.comeBack(j.r)
		more = true // records of other keys may have waited for the room
	}
	if more {
		b.turns.offer(j.s)
	}
}

// pause waits; it is false where the record has to be given up.
func (j *job) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-j.s.ending:
	case <-ctx.Done():
	}
	return ctx.Err() == nil && !j.s.isEnding()
}
