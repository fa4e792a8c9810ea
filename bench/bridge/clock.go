package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// clock notes when starts were answered.
type clock struct {
	mu sync.Mutex
	// announced has the times of the events of each upload that are not yet
	// answered for.
	announced map[int][]time.Time
	started   []time.Duration
	every     []time.Duration
	answers   int
	first     time.Time
	last      time.Time
	moved     chan struct{}
}

func newClock() *clock {
	return &clock{announced: make(map[int][]time.Time), moved: make(chan struct{}, 1)}
}

func (c *clock) announce(i int, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.announced[i] = append(c.announced[i], at)
}

func (c *clock) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	start, ok := req.(*workflowservice.StartWorkflowExecutionRequest)
	if !ok {
		return err
	}
	_, there := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](serviceerror.FromStatus(status.Convert(err)))
	if err != nil && !there {
		return err
	}
	i, parseErr := number(start.GetWorkflowId())
	if parseErr != nil {
		return errors.Join(err, parseErr)
	}
	c.answered(i, err == nil)
	return err
}

// answered notes an answer for upload i, the oldest of whose events it is
// taken to be of; fresh is true where it started the workflow.
func (c *clock) answered(i int, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.answers++; c.answers == 1 {
		c.first = now
	}
	c.last = now
	if waiting := c.announced[i]; len(waiting) > 0 {
		took := now.Sub(waiting[0])
		c.announced[i] = waiting[1:]
		c.every = append(c.every, took)
		if fresh {
			c.started = append(c.started, took)
		}
	}
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// await returns once n starts have been answered.
func (c *clock) await(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		have := c.answers
		c.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-c.moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d starts, %d were answered: %w", n, have, ctx.Err())
		}
	}
}

// rate is answers a second from the first to the last: what comes before the
// first, such as joining the group, is not part of the flow.
func (c *clock) rate() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.answers-1) / c.last.Sub(c.first).Seconds()
}
