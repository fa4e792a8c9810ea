package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"orak/bench/uploads"
)

// clock notes when starts were answered.
type clock struct {
	mu sync.Mutex
	// announced has the first announcement of each upload that is not started yet.
	announced map[int]time.Time
	started   []time.Duration
	answers   int
	first     time.Time
	last      time.Time
}

func newClock() *clock { return &clock{announced: make(map[int]time.Time)} }

func (c *clock) announce(i int, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, again := c.announced[i]; !again {
		c.announced[i] = at
	}
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
	i, parseErr := uploads.Number(start.GetWorkflowId())
	if parseErr != nil {
		return errors.Join(err, parseErr)
	}
	c.answered(i, err == nil)
	return err
}

// answered notes an answer for upload i; fresh says that it started the workflow.
func (c *clock) answered(i int, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.answers++; c.answers == 1 {
		c.first = now
	}
	c.last = now
	if at, ok := c.announced[i]; ok && fresh {
		c.started = append(c.started, now.Sub(at))
	}
}

// rate is answers per second from the first to the last: the time before the
// first, such as for joining the group, does not count.
func (c *clock) rate() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.answers-1) / c.last.Sub(c.first).Seconds()
}

// began is the time of the first answer.
func (c *clock) began() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}
