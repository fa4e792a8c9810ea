package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/bench/uploads"
	"orak/internal/temporal"
	"orak/test/stack"
)

// The no-op workflow and its task queues, of the same shape as orak's.
const (
	typeNoop = "Noop"

	queueNoop        = "bench-noop"
	queueNoopConvert = "bench-noop-convert"
	queueNoopGPU     = "bench-noop-gpu"
)

// slots are the concurrent activities of a worker of each queue: those of orak in
// docker-compose.yml.
var slots = map[string]int{queueNoop: 1000, queueNoopConvert: 2, queueNoopGPU: 2}

// noopQueues returns the queues of n activities: all one queue, or with the first
// and the second on queues of their own, as conversion and analysis are.
func noopQueues(n int, split bool) []string {
	queues := make([]string, n)
	for i := range queues {
		queues[i] = queueNoop
	}
	if split {
		copy(queues, []string{queueNoopConvert, queueNoopGPU})
	}
	return queues
}

// noop runs an activity that does nothing on each of the queues, one after another.
func noop(ctx workflow.Context, queues []string) error {
	for _, queue := range queues {
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: queue, StartToCloseTimeout: time.Minute})
		if err := workflow.ExecuteActivity(ctx, typeNoop).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// noopWorker is the name of the command that serves queues of no-op workflows, in
// a process of its own: this program with other arguments.
const noopWorker = "noop-worker"

// startNoopWorker runs a process that serves the queues, and returns once they are
// polled.
func startNoopWorker(temporalAddress, namespace string, queues ...string) (*stack.Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	ready := make(chan struct{})
	cmd := exec.Command(self, append([]string{noopWorker, temporalAddress, namespace}, queues...)...)
	cmd.Env = stack.Environ()
	child, err := stack.Run(cmd, func(string) bool { close(ready); return true })
	if err != nil {
		return nil, err
	}
	select {
	case <-ready:
		return child, nil
	case <-child.Exited():
		return nil, fmt.Errorf("the worker of no-op workflows ended: %w\n%s", child.Err(), child.Output())
	}
}

// serveNoop is the command noop-worker. It serves until its standard input ends.
func serveNoop(temporalAddress, namespace string, queues []string) error {
	c, err := client.Dial(client.Options{HostPort: temporalAddress, Namespace: namespace, Logger: sdklog.NewStructuredLogger(quiet())})
	if err != nil {
		return fmt.Errorf("connecting to Temporal: %w", err)
	}
	defer c.Close()
	for _, queue := range queues {
		apart := queue != queueNoop
		w := sdkworker.New(c, queue, sdkworker.Options{
			MaxConcurrentActivityExecutionSize: slots[queue], DisableWorkflowWorker: apart, DisableEagerActivities: apart,
		})
		if !apart {
			w.RegisterWorkflowWithOptions(noop, workflow.RegisterOptions{Name: typeNoop})
		}
		w.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: typeNoop})
		if err := w.Start(); err != nil {
			return fmt.Errorf("serving %s: %w", queue, err)
		}
		defer w.Stop()
	}
	fmt.Println("ready")
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		continue
	}
	return nil
}

// noopFlow runs no-op workflows.
type noopFlow struct {
	title    string
	client   client.Client
	queues   []string
	workers  map[string]*stack.Child
	sequence string
}

// startNoop starts the workers of no-op workflows, by the processes of orak that
// serve such queues.
func (b *bench) startNoop(ctx context.Context, activities int, split bool) (*noopFlow, error) {
	namespace := "bench-noop"
	if err := temporal.EnsureNamespace(ctx, temporal.Config{Address: b.servers.Temporal, Namespace: namespace, DialTimeout: time.Minute, Retention: 24 * time.Hour}, quiet()); err != nil {
		return nil, err
	}
	f := &noopFlow{queues: noopQueues(activities, split), workers: map[string]*stack.Child{}, sequence: strconv.FormatInt(time.Now().UnixNano(), 36)}
	f.title = fmt.Sprintf("no-op of %d, one queue", activities)
	processes := map[string][]string{"worker": {queueNoop}}
	if split {
		f.title = fmt.Sprintf("no-op of %d, split queues", activities)
		processes = map[string][]string{"worker": {queueNoop, queueNoopConvert}, "worker-gpu": {queueNoopGPU}}
	}
	for name, queues := range processes {
		child, err := startNoopWorker(b.servers.Temporal, namespace, queues...)
		if err != nil {
			f.stop()
			return nil, err
		}
		f.workers[name] = child
	}
	var err error
	if f.client, err = b.dial(namespace); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

func (f *noopFlow) name() string            { return f.title }
func (f *noopFlow) workflowType() string    { return typeNoop }
func (f *noopFlow) temporal() client.Client { return f.client }

func (f *noopFlow) start(ctx context.Context, i int) error {
	id := strings.Join([]string{"noop", f.sequence, strconv.Itoa(i)}, "-")
	return uploads.Patiently(ctx, func() error {
		_, err := f.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queueNoop}, typeNoop, f.queues)
		return err
	})
}

func (f *noopFlow) pids() map[string]int {
	pids := make(map[string]int, len(f.workers))
	for name, child := range f.workers {
		pids[name] = child.PID()
	}
	return pids
}

func (f *noopFlow) stop() {
	if f.client != nil {
		f.client.Close()
	}
	for _, child := range f.workers {
		child.Kill()
	}
}
