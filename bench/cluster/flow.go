package main

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak/bench/uploads"
)

// flow runs whole workflows: orak's for uploads, or no-op ones.
type flow interface {
	name() string
	workflowType() string
	temporal() client.Client
	// start has workflow i started; it returns before that has run.
	start(ctx context.Context, i int) error
	// pids are the processes of the flow, by name.
	pids() map[string]int
	stop()
}

// figures are of one measurement of a flow.
type figures struct {
	PerSecond float64 `json:"per_second"`
	// Processor is the processor time of each workflow in milliseconds, by process.
	// What the children of a worker used is under ffmpeg.
	Processor map[string]float64 `json:"processor_ms"`
}

func (f figures) total() (sum float64) {
	for _, ms := range f.Processor {
		sum += ms
	}
	return sum
}

const (
	// clients are the concurrent clients of a flow, fewer than the uploads of a tenant
	// that the API takes at once.
	clients = 16
	// warmUp is how many workflows run before a measurement.
	warmUp = 8
	// closeTimeout bounds the time until all workflows of a measurement are closed.
	closeTimeout = 5 * time.Minute
	// lookEvery is the interval at which closed workflows are counted.
	lookEvery = 250 * time.Millisecond
)

// measureFlow runs n workflows.
func (b *bench) measureFlow(ctx context.Context, f flow, n int) (figures, error) {
	if _, err := b.runAll(ctx, f, warmUp); err != nil {
		return figures{}, err
	}
	before, err := processorTimes(b.pidsWith(f))
	if err != nil {
		return figures{}, err
	}
	took, err := b.runAll(ctx, f, n)
	if err != nil {
		return figures{}, err
	}
	after, err := processorTimes(b.pidsWith(f))
	if err != nil {
		return figures{}, err
	}
	result := figures{PerSecond: float64(n) / took.Seconds(), Processor: perWorkflow(before, after, n)}
	progress("  %s: %.1f/s, %.0f ms of processor time each", f.name(), result.PerSecond, result.total())
	return result, nil
}

func (b *bench) pidsWith(f flow) map[string]int {
	pids := maps.Clone(b.servers.PIDs)
	maps.Copy(pids, f.pids())
	return pids
}

// perWorkflow divides the time between two readings by n, in milliseconds.
func perWorkflow(before, after map[string]processorTime, n int) map[string]float64 {
	ms := map[string]float64{}
	add := func(name string, d time.Duration) { ms[name] += float64(d) / float64(n) / float64(time.Millisecond) }
	for name, t := range after {
		used := t.minus(before[name])
		if isRole(name) {
			add(name, used.Own)
			add("ffmpeg", used.Children)
			continue
		}
		add(group(name), used.Own+used.Children)
	}
	return ms
}

// group returns the name under which a server is counted: the nodes of one kind are one row.
func group(name string) string {
	name, _, _ = strings.Cut(name, "-")
	return name
}

// runAll starts n workflows and returns once all are completed, with the time from
// the first start to the last end.
func (b *bench) runAll(ctx context.Context, f flow, n int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	began := time.Now()
	first := b.take(n)
	if err := uploads.Concurrently(n, clients, func(i int) error { return f.start(ctx, first+i) }); err != nil {
		return 0, fmt.Errorf("starting a workflow of %s: %w", f.name(), err)
	}
	completed := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Completed' AND StartTime >= '%s'", f.workflowType(), began.UTC().Format(time.RFC3339Nano))
	if err := awaitCount(ctx, f.temporal(), completed, n); err != nil {
		return 0, fmt.Errorf("waiting for the workflows of %s: %w", f.name(), err)
	}
	// The list begins with the one that closed last.
	list, err := f.temporal().ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: completed, PageSize: 1})
	if err != nil {
		return 0, fmt.Errorf("listing the workflows of %s: %w", f.name(), err)
	}
	return list.GetExecutions()[0].GetCloseTime().AsTime().Sub(began), nil
}

// awaitCount returns once visibility shows n workflows.
func awaitCount(ctx context.Context, c client.Client, query string, n int) error {
	counted := int64(0)
	err := every(ctx, lookEvery, func() (bool, error) {
		var answer *workflowservice.CountWorkflowExecutionsResponse
		err := uploads.Patiently(ctx, func() (err error) {
			answer, err = c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
			return err
		})
		counted = answer.GetCount()
		return counted >= int64(n), err
	})
	if err != nil {
		return fmt.Errorf("%d of %d found: %w", counted, n, err)
	}
	return nil
}
