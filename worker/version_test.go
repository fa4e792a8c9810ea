package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/internal/temporal"
	"orak/worker"
	"orak/workflows"
)

// startBuild starts a worker of a build whose conversions do what fail says; an empty build
// is a worker without a version.
func (r *rig) startBuild(build string, fail func(n int) error) *worker.Worker {
	r.t.Helper()
	r.cfg.Version = temporal.WorkerVersion{}
	if build != "" {
		r.cfg.Version = temporal.WorkerVersion{Deployment: "orak", BuildID: build}
	}
	r.deps.Converter = convert(fail)
	return r.start()
}

func (r *rig) stop(w *worker.Worker) {
	r.t.Helper()
	require.NoError(r.t, w.Stop(r.t.Context()))
}

// routing returns how the deployment of the rig's workers routes tasks.
func (r *rig) routing() (routing *deploymentpb.RoutingConfig) {
	r.t.Helper()
	require.EventuallyWithT(r.t, func(c *assert.CollectT) {
		d, err := r.client.WorkflowService().DescribeWorkerDeployment(r.t.Context(), &workflowservice.DescribeWorkerDeploymentRequest{Namespace: r.deps.Namespace, DeploymentName: "orak"})
		var busy *serviceerror.ResourceExhausted // the server bounds questions about a deployment that changes
		if err != nil && !errors.As(err, &busy) {
			require.NoError(r.t, err)
		}
		require.NoError(c, err)
		routing = d.GetWorkerDeploymentInfo().GetRoutingConfig()
	}, patience, tick)
	return routing
}

func (r *rig) current() string { return r.routing().GetCurrentDeploymentVersion().GetBuildId() }

// makeCurrent makes a build current; empty means workers without a version.
func (r *rig) makeCurrent(build string) {
	r.t.Helper()
	require.EventuallyWithT(r.t, func(c *assert.CollectT) {
		_, err := r.client.WorkflowService().SetWorkerDeploymentCurrentVersion(r.t.Context(), &workflowservice.SetWorkerDeploymentCurrentVersionRequest{Namespace: r.deps.Namespace, DeploymentName: "orak", BuildId: build})
		// Temporal has not seen all queues of the build yet.
		var early *serviceerror.FailedPrecondition
		var unknown *serviceerror.NotFound
		var busy *serviceerror.ResourceExhausted
		if err != nil && !errors.As(err, &early) && !errors.As(err, &unknown) && !errors.As(err, &busy) {
			require.NoError(r.t, err)
		}
		require.NoError(c, err)
	}, patience, tick)
}

// bad is a conversion that parks the upload, good one that works.
func bad(int) error {
	return &orak.Fault{Class: orak.ClassInput, Message: "The old version cannot read it."}
}
func good(int) error { return nil }

// builtBy returns the build that did the last task of the workflow of u.
func (r *rig) builtBy(u orak.Upload) string {
	r.t.Helper()
	d, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(u.ID), "")
	require.NoError(r.t, err)
	info := d.GetWorkflowExecutionInfo().GetVersioningInfo()
	if info.GetDeploymentVersion() != nil {
		require.Equal(r.t, enumspb.VERSIONING_BEHAVIOR_AUTO_UPGRADE, info.GetBehavior())
	}
	return info.GetDeploymentVersion().GetBuildId()
}

func TestFirstVersionOfADeploymentIsMadeCurrentByItsWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var starts sync.WaitGroup
	for n := range 4 { // at once, so that they meet
		cfg := r.cfg
		cfg.Version = temporal.WorkerVersion{Deployment: "orak", BuildID: fmt.Sprint("build-", n)}
		starts.Go(func() {
			w := worker.New(cfg, r.client, r.deps)
			if err := w.Start(t.Context()); err != nil {
				t.Error(err)
			}
			t.Cleanup(func() { _ = w.Stop(context.Background()) })
		})
	}
	starts.Wait()
	first := r.current()
	require.NotEmpty(t, first)
	require.NoError(t, r.closed(r.upload([]byte("sound"))))
	require.Equal(t, first, r.current())
}

func TestParkedUploadIsReprocessedByTheVersionThatIsCurrentThen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.startBuild("a", bad)
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	require.Equal(t, "a", r.builtBy(u))

	next := r.startBuild("b", good)
	require.Equal(t, "a", r.current(), "a later version waits for an operator")
	other := r.upload([]byte("another sound"))
	r.await(other, orak.StatusDeadLettered)
	require.Equal(t, "a", r.builtBy(other))

	r.makeCurrent("b")
	r.stop(old) // nothing needs it any more
	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Equal(t, "b", r.builtBy(u))

	// And back: what b has parked meanwhile, a reprocesses.
	r.stop(next)
	r.startBuild("a", good)
	r.makeCurrent("a")
	r.signal(other, workflows.SignalReprocess)
	require.NoError(t, r.closed(other))
	require.Equal(t, "a", r.builtBy(other))
}

func TestUploadsMoveFromWorkersWithoutAVersionAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := r.startBuild("", bad)
	u := r.upload([]byte("sound"))
	r.await(u, orak.StatusDeadLettered)
	require.Empty(t, r.builtBy(u))

	versioned := r.startBuild("a", bad) // the first of its deployment takes over
	require.Equal(t, "a", r.current())
	r.stop(plain)
	other := r.upload([]byte("another sound"))
	r.await(other, orak.StatusDeadLettered)
	require.Equal(t, "a", r.builtBy(other))

	r.startBuild("", good)
	r.makeCurrent("")
	r.stop(versioned)
	for _, parked := range []orak.Upload{u, other} {
		r.signal(parked, workflows.SignalReprocess)
		require.NoError(t, r.closed(parked))
	}
	// A versioned worker leaves an operator's choice alone.
	r.startBuild("a", good)
	require.Empty(t, r.current())
}

func TestBacklogOfAVersionIsCountedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.cfg.Queues = []string{workflows.QueuePipeline, workflows.QueueConvert}
	gpu := r.cfg
	r.startBuild("a", good)
	gpu.Queues = []string{workflows.QueueGPU}
	gpu.Version = r.cfg.Version
	w := worker.New(gpu, r.client, r.deps)
	require.NoError(t, w.Start(t.Context()))
	require.NoError(t, r.closed(r.upload([]byte("sound")))) // so that the queue is of the version
	r.stop(w)
	const waiting = 5
	for range waiting {
		r.queued("choir", 0)
	}
	r.backlog(waiting)
	d, err := r.client.WorkflowService().DescribeTaskQueue(t.Context(), &workflowservice.DescribeTaskQueueRequest{
		Namespace: r.deps.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: workflows.QueueGPU},
		TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY, ReportStats: true,
	})
	require.NoError(t, err)
	require.EqualValues(t, waiting, d.GetStats().GetApproximateBacklogCount(), "KEDA and the console read this")
}

func TestWorkerLeavesQueuesToTheDeploymentThatHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startBuild("a", good)
	r.cfg.Version = temporal.WorkerVersion{Deployment: "misspelt", BuildID: "b"}
	r.start()
	u := r.upload([]byte("sound"))
	require.NoError(t, r.closed(u))
	require.Equal(t, "a", r.builtBy(u))
}

func TestSharesOfVersionsAreExported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	exported := func(reg *prometheus.Registry) map[string]float64 {
		all, err := reg.Gather()
		require.NoError(t, err)
		found := map[string]float64{}
		for _, f := range all {
			for _, m := range f.GetMetric() {
				if f.GetName() == "orak_worker_version_share" {
					found[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
		return found
	}
	start := func(build string) (*worker.Worker, *prometheus.Registry) {
		reg := prometheus.NewRegistry()
		r.deps.Metrics = reg
		return r.startBuild(build, good), reg
	}
	want := func(reg *prometheus.Registry, share float64) {
		t.Helper()
		all := map[string]float64{}
		for _, queue := range []string{workflows.QueuePipeline, workflows.QueueConvert, workflows.QueueGPU, workflows.QueueControl, workflows.QueueErase} {
			all[queue] = share
		}
		require.EventuallyWithT(t, func(c *assert.CollectT) { require.Equal(c, all, exported(reg)) }, patience, tick)
	}
	_, plain := start("")
	want(plain, 1)
	current, first := start("a")
	want(first, 1)
	want(plain, 0) // workers without a version get nothing either
	_, second := start("b")
	want(second, 0)
	want(first, 1)
	r.stop(current)
	require.Empty(t, exported(first))
}
