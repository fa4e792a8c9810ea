package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"orak/api/resource"
	"orak/client"
	"orak/workflows"
)

// brake lets a bulk go on only while few tasks wait in the queues of the stages that
// take long, so that the queues set its rate. The uploads of a bulk wait behind new
// ones anyway, by their priority: the brake keeps the backlog, and so what an operator
// can still stop, small.
type brake struct {
	// bound is how many tasks may wait; 0 means that the queues are ignored.
	bound int64
	look  func(context.Context) (resource.Queues, error)
	// every is the minimum time between two looks. It exceeds the time for which the
	// API remembers an answer, so that a look sees what the last one let go.
	every time.Duration
	// waiting is called with what waits, before each pause.
	waiting func([]backlog) error

	looked time.Time
	// left is how many decisions may follow before the next look.
	left     int64
	failures int
}

// backlog is what waits in a queue.
type backlog struct {
	Queue string `json:"queue"`
	Tasks int64  `json:"tasks"`
}

// braked are the queues whose backlogs are counted together: what waits for a
// conversion waits for a GPU next.
var braked = []string{workflows.QueueGPU, workflows.QueueConvert}

const brakeEvery = 5 * time.Second

// errBlind is the error of a brake whose queues cannot be described.
var errBlind = errors.New("the server cannot describe its task queues")

// wait returns when the next decision may be carried out.
func (b *brake) wait(ctx context.Context) error {
	for b.bound > 0 && b.left == 0 {
		if err := sleep(ctx, b.every-time.Since(b.looked)); err != nil {
			return err
		}
		queues, err := b.look(ctx)
		b.looked = time.Now()
		waits, total, known := backlogsOf(queues)
		var refusal *client.Error
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &refusal) && refusal.Problem.Status == http.StatusNotFound:
			b.bound = 0 // a server of an older version
		case err != nil || !known:
			if b.failures++; b.failures == maxFailures || err != nil && !serverFailed(err) {
				return errors.Join(errBlind, err)
			}
		case total < b.bound:
			b.left, b.failures = b.bound-total, 0
		default:
			b.failures = 0
			if err := b.waiting(waits); err != nil {
				return err
			}
		}
	}
	b.left = max(b.left-1, 0)
	return nil
}

// backlogsOf returns what waits in the braked queues; known is false if one of them
// could not be described.
func backlogsOf(queues resource.Queues) (waits []backlog, total int64, known bool) {
	known = true
	for _, q := range queues.Queues {
		if q.Tasks != "activity" || !slices.Contains(braked, q.Name) {
			continue
		}
		known = known && !q.Unavailable
		if total += q.Backlog; q.Backlog > 0 {
			waits = append(waits, backlog{Queue: q.Name, Tasks: q.Backlog})
		}
	}
	return waits, total, known
}

// sleep waits for d; at once if it is not positive.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// bulkWait is a pause of a bulk, as --json prints it.
type bulkWait struct {
	Phase    string    `json:"phase"`
	Backlogs []backlog `json:"backlogs"`
}

// showWait prints that a bulk waits for the queues.
func (c *console) showWait(waits []backlog) error {
	if c.JSON {
		return c.Value(bulkWait{Phase: "waiting", Backlogs: waits})
	}
	words := make([]string, len(waits))
	for i, w := range waits {
		words[i] = fmt.Sprintf("%d in %s", w.Tasks, w.Queue)
	}
	c.Tell("Waiting: %s.", strings.Join(words, ", "))
	return nil
}
