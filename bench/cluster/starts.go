package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak/bench/uploads"
	"orak/events"
	"orak/workflows"
)

// starts are starts per second, in one round.
type starts struct {
	Raw    float64 `json:"raw_per_second"`
	Bridge float64 `json:"bridge_per_second"`
	// BridgeMS is the processor time of the bridge for each start, in milliseconds.
	BridgeMS float64 `json:"bridge_processor_ms"`
}

// inflight is how many starts run at once: as many as the bridge handles.
const inflight = 64

// startsNamespace has the workflows that are only started: no worker serves it.
const startsNamespace = "bench-starts"

// prepareStarts makes the namespace as orak does, and returns once it takes starts.
func (b *bench) prepareStarts(ctx context.Context, p program) (client.Client, error) {
	r, err := b.startRole(ctx, p, "bridge", map[string]string{"ORAK_TEMPORAL_NAMESPACE": startsNamespace})
	if err != nil {
		return nil, err
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("stopping the bridge: %w", err)
	}
	c, err := b.dial(startsNamespace)
	if err != nil {
		return nil, err
	}
	// Search attributes are refused for some seconds after their registration.
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var refused error
	err = every(ctx, time.Second, func() (bool, error) {
		refused = uploads.StartAll(ctx, c, b.numbers(inflight), inflight)
		return refused == nil, nil
	})
	if err != nil {
		c.Close()
		return nil, errors.Join(err, refused)
	}
	return c, nil
}

// measureStarts measures starts without Kafka, as many at once as the bridge has,
// and those of the real bridge's process in front of a backlog.
func (b *bench) measureStarts(ctx context.Context, c client.Client, p program, n int) (s starts, err error) {
	began := time.Now()
	if err := uploads.StartAll(ctx, c, b.numbers(n), inflight); err != nil {
		return starts{}, fmt.Errorf("starting without the bridge: %w", err)
	}
	if s.Raw, err = startRate(ctx, c, began, n); err != nil {
		return starts{}, err
	}
	if err := uploads.Announce(ctx, b.servers.Brokers, events.TopicUploads, b.numbers(n)); err != nil {
		return starts{}, fmt.Errorf("announcing: %w", err)
	}
	began = time.Now()
	r, err := b.startRole(ctx, p, "bridge", map[string]string{"ORAK_TEMPORAL_NAMESPACE": startsNamespace})
	if err != nil {
		return starts{}, err
	}
	s.Bridge, err = startRate(ctx, c, began, n)
	times, timesErr := processorTimes(map[string]int{"bridge": r.PID()})
	s.BridgeMS = float64(times["bridge"].Own) / float64(n) / float64(time.Millisecond)
	progress("  starts: raw %.0f/s, bridge %.0f/s, whose process uses %.2f ms each", s.Raw, s.Bridge, s.BridgeMS)
	return s, errors.Join(err, timesErr, r.end())
}

// startRate waits for n workflows that were started since a time, and returns how
// many started per second from the first to the last, by the server's clock.
func startRate(ctx context.Context, c client.Client, since time.Time, n int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	query := fmt.Sprintf("WorkflowType = '%s' AND StartTime >= '%s'", workflows.TypeProcessUpload, since.UTC().Format(time.RFC3339Nano))
	if err := awaitCount(ctx, c, query, n); err != nil {
		return 0, fmt.Errorf("waiting for starts: %w", err)
	}
	var first, last time.Time
	var page []byte
	for {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 1000, NextPageToken: page})
		if err != nil {
			return 0, fmt.Errorf("listing started workflows: %w", err)
		}
		for _, w := range list.GetExecutions() {
			at := w.GetStartTime().AsTime()
			if first.IsZero() || at.Before(first) {
				first = at
			}
			if at.After(last) {
				last = at
			}
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return float64(n-1) / last.Sub(first).Seconds(), nil
		}
	}
}
