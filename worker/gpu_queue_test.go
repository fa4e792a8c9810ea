package worker_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/test/stack"
	"orak/workflows"
)

// queued starts a recording of one second, as the bridge and replay do; priority 0
// means the default.
func (r *rig) queued(tenant orak.Tenant, priority int) orak.Upload {
	r.t.Helper()
	u := r.put([]byte("s"))
	u.Tenant = tenant
	u.Key = orak.OriginalKey(u.Tenant, u.ID)
	require.NoError(r.t, r.store.Put(r.t.Context(), u.Key, strings.NewReader("s"), u.Size, u.ContentType))
	require.NoError(r.t, r.begin(u, priority))
	return u
}

func (r *rig) begin(u orak.Upload, priority int) error {
	r.t.Helper()
	_, err := r.client.ExecuteWorkflow(r.t.Context(), client.StartWorkflowOptions{
		ID: workflows.UploadWorkflowID(u.ID), TaskQueue: workflows.QueuePipeline,
		Priority:                                 temporal.Priority{PriorityKey: priority, FairnessKey: string(u.Tenant)},
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.TypeProcessUpload, workflows.ProcessUploadInput{
		Upload: u, Origin: events.Origin{Topic: events.TopicUploads, Key: []byte(u.ID), Value: []byte("{}")},
	})
	return err
}

// backlog waits until the queue of the GPU has n tasks.
func (r *rig) backlog(n int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		resp, err := r.client.WorkflowService().DescribeTaskQueue(r.t.Context(), &workflowservice.DescribeTaskQueueRequest{
			Namespace: r.deps.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: workflows.QueueGPU},
			TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, ReportStats: true,
		})
		require.NoError(r.t, err)
		return resp.GetStats().GetApproximateBacklogCount() >= int64(n)
	}, patience, tick, "waiting for a backlog of %d", n)
}

// analyses returns how often the analysis of u has begun.
func (r *rig) analyses(u orak.Upload) (n int32) {
	r.t.Helper()
	scheduled := map[int64]bool{}
	it := r.client.GetWorkflowHistory(r.t.Context(), workflows.UploadWorkflowID(u.ID), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(r.t, err)
		if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == activities.TypeAnalyze {
			scheduled[e.GetEventId()] = true
		}
		if a := e.GetActivityTaskStartedEventAttributes(); scheduled[a.GetScheduledEventId()] {
			n = a.GetAttempt()
		}
	}
	return n
}

// turns is an analyzer that runs one analysis at a time and records their order. The
// first one blocks until the others may run.
type turns struct {
	mu     sync.Mutex
	order  []string
	began  chan struct{}
	others chan struct{}
}

func newTurns() *turns { return &turns{began: make(chan struct{}), others: make(chan struct{})} }

func (s *turns) take(ctx context.Context) error {
	s.mu.Lock()
	s.order = append(s.order, activity.GetInfo(ctx).WorkflowExecution.ID)
	first := len(s.order) == 1
	s.mu.Unlock()
	if first {
		close(s.began)
	}
	select {
	case <-s.others:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// place returns the position of u, from 0; -1 if it has not run.
func (s *turns) place(u orak.Upload) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Index(s.order, workflows.UploadWorkflowID(u.ID))
}

func TestTenantsBacklogDelaysAnotherTenantByAFewAnalyses(t *testing.T) {
	t.Parallel()
	takeTurns(t, newRig(t), 200)
}

// The same on a Temporal with the configuration of docker-compose, whose other queues
// have four partitions each.
func TestTenantsTakeTurnsAtADeployedTemporal(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("../deploy/temporal/dynamicconfig.yaml")
	require.NoError(t, err)
	p := stack.StartServers(t, stack.Options{Args: []string{"--many-namespaces", "--temporal-dynamic-config=" + file}})
	r := newRigOn(t, &p.Servers)
	require.Equal(t, 1, r.partitions(workflows.QueueGPU), "turns are exact only within a partition")
	require.Equal(t, 4, r.partitions(workflows.QueueConvert), "the file is active, and does not name this queue")
	takeTurns(t, r, 60)
}

// partitions returns the number of partitions of an activity queue.
func (r *rig) partitions(queue string) int {
	r.t.Helper()
	resp, err := r.client.WorkflowService().ListTaskQueuePartitions(r.t.Context(), &workflowservice.ListTaskQueuePartitionsRequest{
		Namespace: r.deps.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue},
	})
	require.NoError(r.t, err)
	return len(resp.GetActivityTaskQueuePartitions())
}

func takeTurns(t *testing.T, r *rig, many int) {
	t.Helper()
	s := newTurns()
	r.cfg.GPUSlots, r.cfg.GPUPrefetch, r.deps.Analyzer = 1, 0, analyze(s.take)
	r.start()
	r.queued("choir", 0)
	<-s.began
	for range many {
		r.queued("choir", 0)
	}
	r.backlog(many)
	u := r.queued("soloist", 0)
	r.backlog(many + 1)
	close(s.others)
	require.NoError(t, r.closed(u))
	t.Logf("of %d, the other tenant's was number %d", many+2, s.place(u))
	require.LessOrEqual(t, s.place(u), 10)
}

func TestLiveUploadsGoBeforeReprocessedOnesBeforeReplays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newTurns()
	r.cfg.GPUSlots, r.cfg.GPUPrefetch, r.deps.Analyzer = 1, 0, analyze(s.take)
	r.cfg.AlertGroupWait = patience
	const each = 5
	r.deps.Converter = convert(func(n int) error {
		if n <= each {
			return inputFault
		}
		return nil
	})
	r.start()
	var replayed, reprocessed, live []orak.Upload
	for range each {
		u := r.queued("choir", 0)
		r.await(u, orak.StatusDeadLettered)
		reprocessed = append(reprocessed, u)
	}
	r.queued("choir", 0)
	<-s.began
	for range each {
		replayed = append(replayed, r.queued("choir", workflows.LowestPriority))
	}
	r.backlog(each)
	for _, u := range reprocessed {
		require.NoError(t, r.update(u, workflows.SignalReprocess, workflows.Reprocess{By: "ada"}))
	}
	r.backlog(2 * each)
	for range each {
		live = append(live, r.queued("choir", 0))
	}
	r.backlog(3 * each)
	close(s.others)
	for i, class := range [][]orak.Upload{live, reprocessed, replayed} {
		for _, u := range class {
			require.NoError(t, r.closed(u))
			require.Equal(t, i, (s.place(u)-1)/each, "class of place %d", s.place(u))
		}
	}
}

func TestBacklogWaitsInTheQueueWhileTheServerIsNotReady(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	c.unready = true
	r.use(c, time.Minute)
	r.start()
	var uploads []orak.Upload
	for range 5 {
		uploads = append(uploads, r.upload([]byte("s")))
	}
	r.backlog(len(uploads))
	asked := c.read(&c.asked)
	require.Eventually(t, func() bool { return c.read(&c.asked) > asked+2 }, patience, tick)
	for _, u := range uploads {
		d, err := r.client.DescribeWorkflowExecution(t.Context(), workflows.UploadWorkflowID(u.ID), "")
		require.NoError(t, err)
		require.Len(t, d.PendingActivities, 1)
		require.Equal(t, enumspb.PENDING_ACTIVITY_STATE_SCHEDULED, d.PendingActivities[0].GetState())
		require.Nil(t, d.PendingActivities[0].GetLastStartedTime())
		require.Zero(t, r.heartbeat(u), "nothing has begun, so no attempt is charged")
	}
	c.set(func() { c.unready = false })
	for _, u := range uploads {
		require.NoError(t, r.closed(u))
		require.EqualValues(t, 1, r.analyses(u))
	}
}

func TestTaskWaitsUncountedWhenTheServerFails(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	r.cfg.Budget.Attempts = 1
	r.use(c, 0)
	r.start()
	first := r.upload([]byte("s"))
	require.NoError(t, r.closed(first))
	c.set(func() { c.unready = true }) // polls are waiting
	u := r.upload([]byte("s"))
	asked := c.read(&c.asked)
	require.Eventually(t, func() bool { return c.read(&c.asked) > asked+2 }, patience, tick)
	require.Equal(t, orak.StatusAnalyzing, r.await(u, orak.StatusAnalyzing).Status)
	require.LessOrEqual(t, r.heartbeat(u).Attempts, 1)
	c.set(func() { c.unready = false })
	require.NoError(t, r.closed(u))
	require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
}

func TestUnavailableServerClosesTheQueueAndIsReported(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	c.Close()
	r.use(c, 0)
	r.outages(func(context.Context) error { return nil })
	r.start()
	u := r.upload([]byte("s"))
	require.Contains(t, r.posted(":rotating_light:"), "The model server has been unavailable since")
	require.Zero(t, r.heartbeat(u), "no task was taken, so no attempt failed")
}

func TestHangingServerBlocksNeitherOtherQueuesNorStop(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hung := make(chan struct{}, 100)
	r.deps.ModelServer = silent{hung}
	w := r.start()
	<-hung
	u := r.upload([]byte("s"))
	r.await(u, orak.StatusAnalyzing)
	require.NoError(t, w.Stop(t.Context()))
	r.deps.ModelServer = nil
	r.start()
	require.NoError(t, r.closed(u))
	require.EqualValues(t, 1, r.analyses(u))
}

// silent accepts every request and answers none.
type silent struct{ asked chan struct{} }

func (s silent) Ready(ctx context.Context) error {
	s.asked <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (s silent) MemoryPerSecond(ctx context.Context) (int64, error) { return 0, s.Ready(ctx) }

func TestBusyServerIsRetriedInPlaceAfterItsDelay(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	c.refuse = 4 // with a second each: longer than the heartbeat timeout
	r.use(c, time.Minute)
	r.outages(func(context.Context) error { return nil })
	r.start()
	u := r.upload([]byte("s"))
	require.NoError(t, r.closed(u))
	require.Equal(t, 4, c.read(&c.refused))
	require.EqualValues(t, 1, r.analyses(u), "in one attempt, which sends heartbeats")
	r.noOutage()
}

func TestServerThatStaysBusyFreesTheSlotAndCostsNoAttempt(t *testing.T) {
	t.Parallel()
	r, c := newRig(t), newCard(t)
	r.cfg.GPUSlots, r.cfg.Budget.Attempts = 1, 2
	c.refuse = 6
	r.use(c, 0)
	r.outages(func(context.Context) error { return nil })
	r.start()
	u := r.upload([]byte("s"))
	require.NoError(t, r.closed(u))
	require.EqualValues(t, 7, r.analyses(u), "the server counts them; the upload counts one")
	require.NotContains(t, types(r.lifecycle(u, events.Completed)), events.DeadLettered)
	r.noOutage()
}

// noOutage checks that no outage was posted.
func (r *rig) noOutage() {
	r.t.Helper()
	_, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflows.OutageWorkflowID(orak.DependencyModelServer), "")
	var missing *serviceerror.NotFound
	require.ErrorAs(r.t, err, &missing)
	require.Empty(r.t, r.hook.messages())
}
