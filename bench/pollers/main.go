// Command pollers measures what many workers that wait for a task cost Temporal, and how
// long a task of theirs waits: the queue orak-gpu with ten workers and with a thousand.
//
// Each poller is one worker with one slot and a connection of its own, without the SDK,
// of which a thousand processes would not fit on a machine. It prints figures and asserts
// nothing. See docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/procfs"
	enums "go.temporal.io/api/enums/v1"
	taskqueue "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"orak/test/stack"
)

const namespace = "bench-pollers"

// busy is how long a worker has a task.
const busy = 100 * time.Millisecond

// options say what is measured.
type options struct {
	binary  string
	tasks   int
	rate    float64
	resting time.Duration
}

// figures are of one number of pollers.
type figures struct {
	pollers int
	// waits are from schedule to start, by the server's clock.
	waits []time.Duration
	// atRest and working are processor time of the servers in a second.
	atRest, working time.Duration
	refused         int64
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack, whose servers are run on free ports and a fresh folder")
	flag.IntVar(&o.tasks, "tasks", 200, "how many tasks arrive")
	flag.Float64Var(&o.rate, "rate", 20, "how many of them in a second")
	flag.DurationVar(&o.resting, "rest", 15*time.Second, "how long the servers are watched while no task arrives")
	numbers := flag.String("pollers", "10,100,1000", "how many workers, one measurement after another")
	flag.Parse()
	fmt.Printf("%d tasks at %g a second, each for %s\n\n", o.tasks, o.rate, busy)
	fmt.Printf("%8s %10s %10s %10s %16s %16s %8s\n", "pollers", "p50", "p99", "max", "CPU at rest", "CPU with tasks", "refused")
	for number := range strings.SplitSeq(*numbers, ",") {
		pollers, err := strconv.Atoi(number)
		var f figures
		if err == nil {
			f, err = measure(o, pollers)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		f.print()
	}
}

func (f figures) print() {
	slices.Sort(f.waits)
	at := func(share float64) time.Duration {
		return f.waits[min(int(share*float64(len(f.waits))), len(f.waits)-1)].Round(100 * time.Microsecond)
	}
	fmt.Printf("%8d %10s %10s %10s %14s/s %14s/s %8d\n", f.pollers, at(0.5), at(0.99), at(1), f.atRest.Round(time.Millisecond), f.working.Round(time.Millisecond), f.refused)
}

// measure runs fresh servers with that many pollers.
func measure(o options, pollers int) (f figures, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	f.pollers = pollers
	p, err := stack.Launch("servers", stack.Options{Binary: o.binary})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	c, err := register(ctx, p.Temporal)
	if err != nil {
		return f, err
	}
	defer c.Close()
	stop, err := feed(c)
	if err != nil {
		return f, err
	}
	defer stop()
	var workers crowd
	polling, over := context.WithCancel(ctx)
	defer over()
	for range pollers {
		if err := workers.add(polling, p.Temporal); err != nil {
			return f, err
		}
	}
	if err := workers.awaitAll(ctx, pollers); err != nil {
		return f, err
	}
	if f.atRest, err = used(p.PID(), o.resting, func() error { return pause(ctx, o.resting) }); err != nil {
		return f, err
	}
	span := time.Duration(float64(o.tasks) / o.rate * float64(time.Second))
	f.working, err = used(p.PID(), span, func() error { return schedule(ctx, c, o.tasks, span) })
	if err != nil {
		return f, err
	}
	if err := workers.awaitDone(ctx, o.tasks); err != nil {
		return f, err
	}
	over()
	workers.wait.Wait()
	f.waits, f.refused = workers.waits, workers.refused.Load()
	return f, nil
}

// register makes a namespace, and returns a client of it.
func register(ctx context.Context, address string) (client.Client, error) {
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return nil, err
	}
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	for err == nil {
		// The frontend learns of it by and by.
		_, unknown := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace})
		if unknown == nil {
			break
		}
		err = pause(ctx, 200*time.Millisecond)
	}
	return c, err
}

// feed runs a worker whose workflows schedule one activity for the pollers.
func feed(c client.Client) (stop func(), err error) {
	w := worker.New(c, "feed", worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: "gpu", StartToCloseTimeout: time.Minute, DisableEagerExecution: true, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		})
		return workflow.ExecuteActivity(ctx, "analyze").Get(ctx, nil)
	}, workflow.RegisterOptions{Name: "feed"})
	return w.Stop, w.Start()
}

// schedule starts n workflows within a time.
func schedule(ctx context.Context, c client.Client, n int, within time.Duration) error {
	tick := time.NewTicker(within / time.Duration(n))
	defer tick.Stop()
	for range n {
		if _, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: uuid.NewString(), TaskQueue: "feed"}, "feed"); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// crowd are workers with one slot each.
type crowd struct {
	wait    sync.WaitGroup
	polls   atomic.Int64
	refused atomic.Int64

	mu    sync.Mutex
	waits []time.Duration
}

// add adds a worker with a connection of its own.
func (c *crowd) add(ctx context.Context, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	c.wait.Go(func() {
		defer func() { _ = conn.Close() }() // it is over with the measurement
		c.work(ctx, workflowservice.NewWorkflowServiceClient(conn), uuid.NewString())
	})
	return nil
}

func (c *crowd) work(ctx context.Context, service workflowservice.WorkflowServiceClient, identity string) {
	for ctx.Err() == nil {
		c.polls.Add(1)
		polling, cancel := context.WithTimeout(ctx, 70*time.Second)
		task, err := service.PollActivityTaskQueue(polling, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: namespace, Identity: identity, TaskQueue: &taskqueue.TaskQueue{Name: "gpu", Kind: enums.TASK_QUEUE_KIND_NORMAL},
		})
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				c.refused.Add(1)
			}
			_ = pause(ctx, time.Second) // the loop sees its end
			continue
		}
		if len(task.GetTaskToken()) == 0 {
			continue
		}
		c.took(task.GetStartedTime().AsTime().Sub(task.GetScheduledTime().AsTime()))
		_ = pause(ctx, busy)
		if _, err := service.RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
			Namespace: namespace, TaskToken: task.GetTaskToken(), Identity: identity,
		}); err != nil && ctx.Err() == nil {
			c.refused.Add(1)
		}
	}
}

func (c *crowd) took(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, wait)
}

// settling is how long after the last worker began to poll its request is waiting at the
// server.
const settling = 10 * time.Second

// awaitAll returns once n workers poll.
func (c *crowd) awaitAll(ctx context.Context, n int) error {
	for c.polls.Load() < int64(n) {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d workers poll: %w", c.polls.Load(), n, err)
		}
	}
	return pause(ctx, settling)
}

func (c *crowd) awaitDone(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		done := len(c.waits)
		c.mu.Unlock()
		if done >= n {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d tasks were taken: %w", done, n, err)
		}
	}
}

// used returns the processor time of a process in a second while do runs.
func used(pid int, span time.Duration, do func() error) (time.Duration, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	before, err := p.Stat()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	took := max(time.Since(began), span)
	after, err := p.Stat()
	return time.Duration((after.CPUTime() - before.CPUTime()) / took.Seconds() * float64(time.Second)), err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
