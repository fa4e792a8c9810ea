package overview

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	enums "go.temporal.io/api/enums/v1"
	taskqueue "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/worker/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

// queueNames are the task queues of orak.
var queueNames = []string{
	workflows.QueueConvert, workflows.QueueGPU, workflows.QueuePipeline, workflows.QueueControl, workflows.QueueErase, workflows.QueueWebhooks,
}

// Bounds of the work for the queues: workers that are described, requests at once, and
// uploads that are counted, by page.
const (
	maxWorkers  = 200
	atOnce      = 8
	maxRunning  = 5000
	runningPage = 1000
)

// Queues returns the task queues, with the uploads of t.
func (o *Overview) Queues(ctx context.Context, t orak.Tenant) (resource.Queues, error) {
	answer := resource.Queues{Workers: []resource.QueueWorker{}, Running: []resource.RunningUploads{}, CheckedAt: now()}
	var (
		parts            errgroup.Group
		noWorkers, noRun error
	)
	parts.Go(func() (err error) { answer.Queues, err = o.queues.Get(ctx, struct{}{}); return err })
	parts.Go(func() error {
		var found []resource.QueueWorker
		if found, noWorkers = o.workers.Get(ctx, struct{}{}); noWorkers == nil {
			answer.Workers = found
		}
		return nil
	})
	parts.Go(func() error {
		var found runningUploads
		if found, noRun = o.running.Get(ctx, t); noRun == nil {
			answer.Running, answer.RunningExact = found.uploads, found.exact
		}
		return nil
	})
	if err := parts.Wait(); err != nil {
		return resource.Queues{}, temporalDown("describing the task queues", err)
	}
	for _, part := range []struct {
		name string
		err  error
	}{{"workers", noWorkers}, {"running", noRun}} {
		o.reads.Report(ctx, part.err, "a part of the queues cannot be read", "part", part.name)
		if part.err != nil {
			answer.Unavailable = append(answer.Unavailable, resource.Unavailable{Part: part.name, Dependency: string(orak.DependencyTemporal)})
		}
	}
	answer.Queues = withSlots(answer.Queues, answer.Workers)
	return answer, nil
}

// quiet is how long a worker that runs may say nothing: it reports every minute, and
// Temporal lists one that was killed for 5 minutes.
const quiet = 2 * time.Minute

// withSlots returns a copy of queues with the slots of the workers that run.
func withSlots(queues []resource.Queue, workers []resource.QueueWorker) []resource.Queue {
	filled := slices.Clone(queues)
	for i, q := range filled {
		var sum *resource.Slots
		for _, w := range workers {
			of := w.Activities
			if q.Tasks == tasksWorkflow {
				of = w.Workflows
			}
			if w.Queue != q.Name || w.Status != "running" || of == nil || now().Sub(w.SeenAt) > quiet {
				continue
			}
			if sum == nil {
				sum = &resource.Slots{}
			}
			sum.Used += of.Used
			if of.Free < 0 || sum.Free < 0 {
				sum.Free = -1
			} else {
				sum.Free += of.Free
			}
		}
		filled[i].Slots = sum
	}
	return filled
}

// The values of resource.Queue.Tasks.
const (
	tasksActivity = "activity"
	tasksWorkflow = "workflow"
)

// describeQueues describes the queues. One that cannot be described says so; if none can,
// it is an error. The workflow tasks of queues that have no workflows are left out.
func (o *Overview) describeQueues(ctx context.Context) ([]resource.Queue, error) {
	kinds := []enums.TaskQueueType{enums.TASK_QUEUE_TYPE_ACTIVITY, enums.TASK_QUEUE_TYPE_WORKFLOW}
	all := make([]resource.Queue, len(queueNames)*len(kinds))
	var failed atomic.Int64
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range all {
		group.Go(func() error {
			name, kind := queueNames[i/len(kinds)], kinds[i%len(kinds)]
			q, err := o.describeQueue(ctx, name, kind)
			o.reads.Report(ctx, err, "a task queue cannot be described", "queue", name, "tasks", q.Tasks)
			if err != nil {
				q.Unavailable = true
				failed.Add(1)
				if int(failed.Load()) == len(all) {
					return err
				}
			}
			all[i] = q
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(q resource.Queue) bool {
		return q.Tasks == tasksWorkflow && !q.Unavailable && q.Backlog == 0 && len(q.Pollers) == 0
	}), nil
}

func (o *Overview) describeQueue(ctx context.Context, name string, kind enums.TaskQueueType) (resource.Queue, error) {
	q := resource.Queue{Name: name, Tasks: tasksActivity, Lanes: []resource.QueueLane{}, Pollers: []resource.Poller{}}
	if kind == enums.TASK_QUEUE_TYPE_WORKFLOW {
		q.Tasks = tasksWorkflow
	}
	d, err := o.deps.Temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: o.deps.Namespace, TaskQueue: &taskqueue.TaskQueue{Name: name}, TaskQueueType: kind, ReportStats: true,
	})
	if err != nil {
		return q, fmt.Errorf("describing the task queue %s: %w", name, err)
	}
	stats := d.GetStats()
	q.Backlog, q.BacklogSeconds = stats.GetApproximateBacklogCount(), stats.GetApproximateBacklogAge().AsDuration().Seconds()
	q.AddedPerSecond, q.DispatchedPerSecond = float64(stats.GetTasksAddRate()), float64(stats.GetTasksDispatchRate())
	for priority, of := range d.GetStatsByPriorityKey() {
		q.Lanes = append(q.Lanes, resource.QueueLane{
			Lane: workflows.Lane(int(priority)), Priority: int(priority), Backlog: of.GetApproximateBacklogCount(), BacklogSeconds: of.GetApproximateBacklogAge().AsDuration().Seconds(),
		})
	}
	slices.SortFunc(q.Lanes, func(a, b resource.QueueLane) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, p := range d.GetPollers() {
		q.Pollers = append(q.Pollers, resource.Poller{Identity: p.GetIdentity(), SeenAt: p.GetLastAccessTime().AsTime(), Version: p.GetDeploymentOptions().GetBuildId()})
	}
	slices.SortFunc(q.Pollers, func(a, b resource.Poller) int { return strings.Compare(a.Identity, b.Identity) })
	return q, nil
}

// describeWorkers returns the workers that have reported to Temporal. One that ends
// meanwhile is left out.
func (o *Overview) describeWorkers(ctx context.Context) ([]resource.QueueWorker, error) {
	service := o.deps.Temporal.WorkflowService()
	listed, err := service.ListWorkers(ctx, &workflowservice.ListWorkersRequest{Namespace: o.deps.Namespace, PageSize: maxWorkers})
	if err != nil {
		return nil, fmt.Errorf("listing workers: %w", err)
	}
	workers := listed.GetWorkers()[:min(len(listed.GetWorkers()), maxWorkers)]
	found := make([]*resource.QueueWorker, len(workers))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, w := range workers {
		group.Go(func() error {
			d, err := service.DescribeWorker(ctx, &workflowservice.DescribeWorkerRequest{Namespace: o.deps.Namespace, WorkerInstanceKey: w.GetWorkerInstanceKey()})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err == nil {
				found[i] = workerResource(d.GetWorkerInfo().GetWorkerHeartbeat())
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("describing workers: %w", err)
	}
	all := []resource.QueueWorker{}
	for _, w := range found {
		if w != nil && slices.Contains(queueNames, w.Queue) {
			all = append(all, *w)
		}
	}
	slices.SortFunc(all, func(a, b resource.QueueWorker) int {
		return cmp.Or(strings.Compare(a.Queue, b.Queue), strings.Compare(a.Identity, b.Identity))
	})
	return all, nil
}

func workerResource(h *worker.WorkerHeartbeat) *resource.QueueWorker {
	activities := h.GetActivityTaskSlotsInfo()
	w := &resource.QueueWorker{
		Identity: h.GetWorkerIdentity(), Queue: h.GetTaskQueue(), Host: h.GetHostInfo().GetHostName(),
		Status: statusOf(h.GetStatus()), SeenAt: h.GetHeartbeatTime().AsTime(),
		Activities: slotsOf(activities), Workflows: slotsOf(h.GetWorkflowTaskSlotsInfo()),
		Processed: int64(activities.GetTotalProcessedTasks()), Failed: int64(activities.GetTotalFailedTasks()),
		CPU: float64(h.GetHostInfo().GetCurrentHostCpuUsage()), Memory: float64(h.GetHostInfo().GetCurrentHostMemUsage()),
	}
	if h.GetStartTime() != nil {
		w.StartedAt = h.GetStartTime().AsTime()
	}
	return w
}

func statusOf(s enums.WorkerStatus) string {
	switch s {
	case enums.WORKER_STATUS_SHUTTING_DOWN:
		return "shutting_down"
	case enums.WORKER_STATUS_SHUTDOWN:
		return "shutdown"
	default:
		return "running"
	}
}

func slotsOf(s *worker.WorkerSlotsInfo) *resource.Slots {
	if s == nil {
		return nil
	}
	return &resource.Slots{Used: int64(s.GetCurrentUsedSlots()), Free: int64(s.GetCurrentAvailableSlots())}
}

// runningUploads are the uploads that are being processed.
type runningUploads struct {
	uploads []resource.RunningUploads
	exact   bool
}

// countRunning counts the uploads of t that are being processed.
func (o *Overview) countRunning(ctx context.Context, t orak.Tenant) (runningUploads, error) {
	counts := make(map[resource.RunningUploads]int64)
	exact, err := o.eachUpload(ctx, runningQuery(t), maxRunning, func(info *executionInfo) {
		status := workflows.SearchAttribute[orak.Status](info, workflows.AttrStatus.GetName())
		counts[resource.RunningUploads{Tenant: workflows.TenantOf(info), Status: cmp.Or(status, orak.StatusQueued)}]++
	})
	if err != nil {
		return runningUploads{}, err
	}
	found := runningUploads{uploads: []resource.RunningUploads{}, exact: exact}
	for r, n := range counts {
		r.Count = n
		found.uploads = append(found.uploads, r)
	}
	slices.SortFunc(found.uploads, func(a, b resource.RunningUploads) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Status, b.Status))
	})
	return found, nil
}
