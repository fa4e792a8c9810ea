package versions_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/internal/temporal"
	"orak/operate/versions"
	"orak/test/stack"
)

const patience = time.Minute

// rig is a namespace with workers of a deployment.
type rig struct {
	*versions.Versions
	t         *testing.T
	client    client.Client
	namespace string
	mu        sync.Mutex
	recorded  []versions.Change
	// unrecorded fails every record.
	unrecorded error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	servers := stack.Start(t)
	r := &rig{t: t, namespace: servers.Namespace(t)}
	cfg := temporal.Config{Address: servers.Temporal, Namespace: r.namespace, DialTimeout: patience}
	var err error
	r.client, err = temporal.Dial(t.Context(), cfg, slog.New(slog.DiscardHandler), temporal.Telemetry{})
	require.NoError(t, err)
	t.Cleanup(r.client.Close)
	r.Versions = versions.New(r.client, r.namespace, "orak", r.record)
	return r
}

func (r *rig) record(_ context.Context, c versions.Change) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recorded = append(r.recorded, c)
	return r.unrecorded
}

// sleeping is a workflow that ends by a signal.
func sleeping(ctx workflow.Context) error {
	workflow.GetSignalChannel(ctx, "wake").Receive(ctx, nil)
	return nil
}

// serve starts a worker of a build on queues; an empty build has no version.
func (r *rig) serve(build string, queues ...string) (stop func()) {
	r.t.Helper()
	v := temporal.WorkerVersion{}
	if build != "" {
		v = temporal.WorkerVersion{Deployment: "orak", BuildID: build}
	}
	options, err := v.Options()
	require.NoError(r.t, err)
	var all []sdkworker.Worker
	for _, queue := range queues {
		w := sdkworker.New(r.client, queue, sdkworker.Options{DeploymentOptions: options, DisableWorkflowWorker: queue != "flows", Identity: "worker of " + build})
		if queue == "flows" {
			w.RegisterWorkflowWithOptions(sleeping, workflow.RegisterOptions{Name: "sleeping"})
		}
		w.RegisterActivity(func(context.Context) error { return nil })
		require.NoError(r.t, w.Start())
		all = append(all, w)
	}
	stop = sync.OnceFunc(func() {
		for _, w := range all {
			w.Stop()
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func quietly(error) {}

// apply makes a change, and waits for workers.
func (r *rig) apply(c versions.Change) string {
	r.t.Helper()
	c.Wait, c.By = patience, "ann"
	before, err := r.Apply(r.t.Context(), c, quietly)
	require.NoError(r.t, err)
	return before
}

// list returns the versions by build.
func (r *rig) list() map[string]versions.Version {
	r.t.Helper()
	d, err := r.List(r.t.Context())
	require.NoError(r.t, err)
	all := map[string]versions.Version{}
	for _, v := range d.Versions {
		all[v.Build] = v
	}
	return all
}

func TestVersionBecomesCurrentOnceItServesEveryQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.Apply(t.Context(), versions.Change{Build: "a"}, quietly)
	require.ErrorIs(t, err, versions.ErrNoDeployment)
	r.serve("a", "flows", "work")
	require.Equal(t, versions.Unversioned, r.apply(versions.Change{Build: "a"}))
	require.Equal(t, []versions.Change{{Build: "a", By: "ann", Wait: patience}}, r.recorded)

	_, err = r.Apply(t.Context(), versions.Change{Build: "b"}, quietly)
	var unknown *versions.Unknown
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, []string{"a"}, unknown.Known)

	stop := r.serve("b", "flows")
	told := make(chan error, 10)
	done := make(chan error, 1)
	go func() {
		_, err := r.Apply(context.WithoutCancel(t.Context()), versions.Change{Build: "b", By: "ann", Wait: patience}, func(why error) { told <- why })
		done <- err
	}()
	var missing *versions.Missing
	for !errors.As(<-told, &missing) || len(missing.Queues) != 1 {
	}
	require.Equal(t, []string{"work (activity tasks)"}, missing.Queues)
	require.Equal(t, versions.StatusCurrent, r.list()["a"].Status)
	r.serve("b", "work")
	require.NoError(t, <-done)

	all := r.list()
	require.Equal(t, versions.StatusCurrent, all["b"].Status)
	require.EqualValues(t, 100, all["b"].Percent)
	require.NotEqual(t, versions.StatusCurrent, all["a"].Status)
	require.Contains(t, all["b"].Queues, versions.Queue{Name: "work", Tasks: "activity", Pollers: 1})
	require.Equal(t, "b", r.apply(versions.Change{Build: "b"}), "it is current already")

	// Its workers are gone, and those of a are there.
	stop()
	require.Equal(t, "b", r.apply(versions.Change{Build: "a"}))
}

func TestVersionWithoutWorkersIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve("a", "flows", "work")
	r.apply(versions.Change{Build: "a"})
	// Temporal itself lets a version be current of which no worker was ever seen.
	_, err := r.client.WorkflowService().SetWorkerDeploymentRampingVersion(t.Context(), &workflowservice.SetWorkerDeploymentRampingVersionRequest{
		Namespace: r.namespace, DeploymentName: "orak", BuildId: "b", IgnoreMissingTaskQueues: true, AllowNoPollers: true,
	})
	require.NoError(t, err)
	c := versions.Change{Build: "b", By: "ann"}
	var missing *versions.Missing
	require.ErrorAs(t, r.Check(t.Context(), c), &missing)
	_, err = r.Apply(t.Context(), c, quietly)
	require.ErrorAs(t, err, &missing)
	require.Equal(t, []string{"flows (workflow tasks)", "flows (activity tasks)", "work (activity tasks)"}, missing.Queues)
	require.Equal(t, versions.StatusCurrent, r.list()["a"].Status)
	c.Force = true
	_, err = r.Apply(t.Context(), c, quietly)
	require.NoError(t, err)
	require.Equal(t, versions.StatusCurrent, r.list()["b"].Status)
}

// A deploy comes when there is much to do, too.
func TestRequestToABusyTemporalIsRepeated(t *testing.T) {
	t.Parallel()
	for _, busy := range []error{
		serviceerror.NewDeadlineExceeded("late"), serviceerror.NewUnavailable("away"), context.DeadlineExceeded,
		serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW, "busy"),
	} {
		tries := 0
		require.NoError(t, versions.Patiently(t.Context(), func() error {
			if tries++; tries < 3 {
				return busy
			}
			return nil
		}), busy)
	}
	denied := serviceerror.NewPermissionDenied("no", "")
	tries := 0
	require.ErrorIs(t, versions.Patiently(t.Context(), func() error { tries++; return denied }), denied)
	require.Equal(t, 1, tries)
}

func TestUnrecordedChangeIsNotMade(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve("a", "flows")
	r.apply(versions.Change{Build: "a"})
	r.serve("b", "flows")
	r.unrecorded = errors.New("Kafka is away")
	_, err := r.Apply(t.Context(), versions.Change{Build: "b", By: "ann", Wait: patience}, quietly)
	require.ErrorIs(t, err, r.unrecorded)
	require.Equal(t, versions.StatusCurrent, r.list()["a"].Status)
}

func TestChangeThatSomebodyElseMadeMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve("a", "flows")
	r.serve("b", "flows")
	r.serve("c", "flows")
	r.apply(versions.Change{Build: "a"})
	// The record of ann's change is the moment in which bob makes his.
	bob := versions.New(r.client, r.namespace, "orak", func(context.Context, versions.Change) error { return nil })
	ann := versions.New(r.client, r.namespace, "orak", func(ctx context.Context, _ versions.Change) error {
		_, err := bob.Apply(ctx, versions.Change{Build: "c", By: "bob", Wait: patience}, quietly)
		return err
	})
	_, err := ann.Apply(t.Context(), versions.Change{Build: "b", By: "ann", Wait: patience}, quietly)
	var conflict *versions.Conflict
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, versions.Conflict{By: "bob", Current: "c"}, *conflict)
	require.Equal(t, versions.StatusCurrent, r.list()["c"].Status)
}

// Temporal leaves a ramping build its share, also where none of its workers runs any more.
func TestBuildThatBecomesCurrentEndsEveryRamp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve("a", "flows")
	r.apply(versions.Change{Build: "a"})
	r.serve("b", "flows")
	r.serve("c", "flows")
	for _, next := range []string{"a", "c", versions.Unversioned} {
		if next == versions.Unversioned {
			r.serve(next, "flows")
		}
		r.apply(versions.Change{Build: "b", Ramp: true, Percent: 10})
		require.EqualValues(t, 10, r.list()["b"].Percent)
		r.apply(versions.Change{Build: next})
		all := r.list()
		require.Equal(t, versions.StatusCurrent, all[next].Status, next)
		require.EqualValues(t, 100, all[next].Percent, next)
		require.NotEqual(t, versions.StatusRamping, all["b"].Status)
	}
}

// The queues that a build has ever served are its own again once it is current.
func TestQueueThatABuildLeftToWorkersWithoutAVersionIsMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve("a", "flows")
	stop := r.serve("a", "work")
	r.apply(versions.Change{Build: "a"})
	r.serve("", "flows", "work")
	r.apply(versions.Change{Build: versions.Unversioned})
	stop()
	c := versions.Change{Build: "a", By: "ann"}
	const lives = 2 * time.Second
	r.SetPollerLives(lives)
	require.Eventually(t, func() bool {
		r.serve("a", "flows")() // a worker that waits for tasks is not heard of for a minute
		r.serve("", "work")()
		var missing *versions.Missing
		return errors.As(r.Check(t.Context(), c), &missing) && len(missing.Queues) == 1 && missing.Queues[0] == "work (activity tasks)"
	}, patience, lives/4)
	r.SetPollerLives(patience)
	r.serve("a", "work")
	require.Equal(t, versions.Unversioned, r.apply(c))
}

func TestRampMovesWorkflowsAndEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve("a", "flows")
	r.apply(versions.Change{Build: "a"})
	r.serve("b", "flows")
	begin := func(id string) client.WorkflowRun {
		run, err := r.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "flows"}, "sleeping")
		require.NoError(t, err)
		return run
	}
	woken := func(run client.WorkflowRun) (build string) {
		require.NoError(t, r.client.SignalWorkflow(t.Context(), run.GetID(), "", "wake", nil))
		require.NoError(t, run.Get(t.Context(), nil))
		d, err := r.client.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
		require.NoError(t, err)
		return d.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId()
	}
	asleep := begin("asleep")
	require.Eventually(t, func() bool { return r.list()["a"].Open == 1 }, patience, 100*time.Millisecond)
	r.apply(versions.Change{Build: "b", Ramp: true, Percent: 100})
	all := r.list()
	require.Equal(t, versions.StatusRamping, all["b"].Status)
	require.EqualValues(t, 100, all["b"].Percent)
	require.Zero(t, all["a"].Percent)
	require.Equal(t, "b", woken(asleep), "it goes on where its next task is")

	r.apply(versions.Change{Build: "b", Ramp: true, Percent: 0})
	require.NotEqual(t, versions.StatusRamping, r.list()["b"].Status)
	require.Equal(t, "a", woken(begin("again")))
	require.Len(t, r.recorded, 3)

	// To workers without a version, and back.
	r.serve("", "flows")
	r.apply(versions.Change{Build: versions.Unversioned})
	require.Equal(t, versions.StatusCurrent, r.list()[versions.Unversioned].Status)
	require.Empty(t, woken(begin("plain")))
	require.Equal(t, versions.Unversioned, r.apply(versions.Change{Build: "b"}))
	require.Equal(t, "b", woken(begin("last")))
}
