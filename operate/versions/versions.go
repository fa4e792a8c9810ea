package versions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"orak"
)

// Unversioned in place of a build id stands for workers without a version.
const Unversioned = ""

// The values of Version.Status.
const (
	StatusCurrent  = "current"
	StatusRamping  = "ramping"
	StatusDraining = "draining"
	StatusDrained  = "drained"
	// StatusInactive is a version that never got a task.
	StatusInactive = "inactive"
)

// Deployment is a Worker Deployment with its versions.
type Deployment struct {
	Name string `json:"deployment"`
	// ChangedBy made the last change; empty if there was none.
	ChangedBy string    `json:"changed_by,omitempty"`
	Versions  []Version `json:"versions"`
}

// Version is one build of the workers.
type Version struct {
	// Build is the build id, or Unversioned.
	Build  string `json:"build_id"`
	Status string `json:"status"`
	// Percent is the share of the uploads that it gets, 0 to 100.
	Percent float64 `json:"percent"`
	// Since is when it got its status; zero if Temporal does not say.
	Since time.Time `json:"since,omitzero"`
	// Open are the open workflows whose last task it did. They need it no longer once
	// another version is current.
	Open int64 `json:"open"`
	// Queues are those that it has served.
	Queues []Queue `json:"queues"`
}

// Queue is a task queue of a Version.
type Queue struct {
	Name string `json:"queue"`
	// Tasks is workflow or activity.
	Tasks string `json:"tasks"`
	// Pollers are the processes that ask for its tasks now.
	Pollers int `json:"pollers"`
}

// ErrNoDeployment means that no worker of the deployment was ever started.
var ErrNoDeployment = errors.New("no worker was started with it yet")

// Versions are those of one deployment.
type Versions struct {
	client     client.Client
	namespace  string
	deployment string
	record     func(context.Context, Change) error
	// lives is pollerLives.
	lives time.Duration
}

// New returns the Versions of a deployment. Each change is recorded by record before it is
// made; without its record it is not made.
func New(c client.Client, namespace, deployment string, record func(context.Context, Change) error) *Versions {
	return &Versions{client: c, namespace: namespace, deployment: deployment, record: record, lives: pollerLives}
}

// state is a deployment as Temporal describes it.
type state struct {
	*deploymentpb.WorkerDeploymentInfo
	token []byte
}

func (s state) current() string {
	return s.GetRoutingConfig().GetCurrentDeploymentVersion().GetBuildId()
}

func (s state) ramping() string {
	return s.GetRoutingConfig().GetRampingDeploymentVersion().GetBuildId()
}

// ramps reports whether a build, or workers without a version, have a share beside the
// current ones.
func (s state) ramps() bool {
	routing := s.GetRoutingConfig()
	return routing.GetRampingDeploymentVersion() != nil || routing.GetRampingVersionPercentage() > 0
}

func (s state) builds() (all []string) {
	for _, v := range s.GetVersionSummaries() {
		all = append(all, v.GetDeploymentVersion().GetBuildId())
	}
	return all
}

func (v *Versions) describe(ctx context.Context) (state, error) {
	var d *workflowservice.DescribeWorkerDeploymentResponse
	err := patiently(ctx, func() (err error) {
		d, err = v.client.WorkflowService().DescribeWorkerDeployment(ctx, &workflowservice.DescribeWorkerDeploymentRequest{Namespace: v.namespace, DeploymentName: v.deployment})
		return err
	})
	if missing := (*serviceerror.NotFound)(nil); errors.As(err, &missing) {
		return state{}, fmt.Errorf("deployment %s: %w", v.deployment, ErrNoDeployment)
	}
	if err != nil {
		return state{}, fault("describing the deployment "+v.deployment, err)
	}
	return state{d.GetWorkerDeploymentInfo(), d.GetConflictToken()}, nil
}

// patience bounds the tries of one request.
const patience = time.Minute

// patiently repeats a request while Temporal, or what keeps the deployment there, is busy:
// a workflow, which answers one request after the other. A change that was made although
// its answer was lost is refused then, and recognized (refused).
func patiently(ctx context.Context, request func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := request()
		if err != nil && (!isBusy(err) || ctx.Err() != nil) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(200*time.Millisecond)), backoff.WithMaxElapsedTime(patience))
	return err
}

// isBusy reports whether a request may succeed in a moment.
func isBusy(err error) bool {
	var (
		exhausted *serviceerror.ResourceExhausted
		down      *serviceerror.Unavailable
		late      *serviceerror.DeadlineExceeded
	)
	return errors.As(err, &exhausted) || errors.As(err, &down) || errors.As(err, &late) || errors.Is(err, context.DeadlineExceeded)
}

// fault is the error of a request to Temporal.
func fault(doing string, err error) error {
	var (
		denied  *serviceerror.PermissionDenied
		wrong   *serviceerror.InvalidArgument
		refused *serviceerror.FailedPrecondition
		old     *serviceerror.Unimplemented
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &denied), errors.As(err, &wrong), errors.As(err, &refused):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &old):
		return fmt.Errorf("%s: this Temporal knows no Worker Deployments: %w", doing, err)
	default:
		return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyTemporal, Message: "Temporal does not answer.", Err: fmt.Errorf("%s: %w", doing, err)}
	}
}

// List returns the deployment: the current version first, then what ramps, and the newest
// of the others first.
func (v *Versions) List(ctx context.Context) (Deployment, error) {
	now, err := v.describe(ctx)
	if err != nil {
		return Deployment{}, err
	}
	d := Deployment{Name: v.deployment, ChangedBy: now.GetLastModifierIdentity()}
	for _, s := range now.GetVersionSummaries() {
		d.Versions = append(d.Versions, now.version(s))
	}
	if routing := now.GetRoutingConfig(); now.current() == Unversioned {
		since := routing.GetCurrentVersionChangedTime()
		plain := Version{Status: StatusCurrent, Percent: 100 - float64(routing.GetRampingVersionPercentage())}
		if since != nil {
			plain.Since = since.AsTime()
		}
		d.Versions = append(d.Versions, plain)
	}
	rank := []string{StatusCurrent, StatusRamping}
	slices.SortStableFunc(d.Versions, func(a, b Version) int {
		at := func(s string) int { return (slices.Index(rank, s) + len(rank) + 1) % (len(rank) + 1) }
		return cmp.Or(cmp.Compare(at(a.Status), at(b.Status)), b.Since.Compare(a.Since))
	})
	var parts errgroup.Group
	parts.SetLimit(requestsAtOnce)
	for i := range d.Versions {
		parts.Go(func() error { return v.fill(ctx, &d.Versions[i]) })
	}
	return d, parts.Wait()
}

// requestsAtOnce bounds the requests to Temporal.
const requestsAtOnce = 4

func (s state) version(sum *deploymentpb.WorkerDeploymentInfo_WorkerDeploymentVersionSummary) Version {
	v := Version{Build: sum.GetDeploymentVersion().GetBuildId(), Queues: []Queue{}}
	since := sum.GetCreateTime()
	switch routing := s.GetRoutingConfig(); v.Build {
	case s.current():
		v.Status, v.Percent, since = StatusCurrent, 100-float64(routing.GetRampingVersionPercentage()), sum.GetCurrentSinceTime()
	case s.ramping():
		v.Status, v.Percent, since = StatusRamping, float64(routing.GetRampingVersionPercentage()), sum.GetRampingSinceTime()
	default:
		switch sum.GetStatus() {
		case enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING:
			v.Status = StatusDraining
		case enumspb.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED:
			v.Status = StatusDrained
		default:
			v.Status = StatusInactive
		}
		if sum.GetDrainageInfo().GetLastChangedTime() != nil {
			since = sum.GetDrainageInfo().GetLastChangedTime()
		}
	}
	if since != nil {
		v.Since = since.AsTime().UTC()
	}
	return v
}

// fill adds the queues and the open workflows of a version.
func (v *Versions) fill(ctx context.Context, one *Version) (err error) {
	query := "ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '" + v.deployment + ":" + one.Build + "'"
	if one.Build == Unversioned {
		// Temporal's own workflows, which keep the deployments, are not listed by default.
		query = "ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion IS NULL"
	}
	count, err := v.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: v.namespace, Query: query})
	if err != nil {
		return fault("counting the workflows of "+one.Build, err)
	}
	one.Open = count.GetCount()
	if one.Build == Unversioned {
		one.Queues = []Queue{}
		return nil
	}
	queues, err := v.queuesOf(ctx, one.Build)
	if err != nil {
		return err
	}
	for _, q := range queues {
		seen, err := v.look(ctx, q)
		if err != nil {
			return err
		}
		one.Queues = append(one.Queues, Queue{Name: q.name, Tasks: q.tasks(), Pollers: seen.pollers[one.Build]})
	}
	return nil
}

// queue is a task queue for one kind of tasks.
type queue struct {
	name string
	kind enumspb.TaskQueueType
}

func (q queue) tasks() string {
	if q.kind == enumspb.TASK_QUEUE_TYPE_WORKFLOW {
		return "workflow"
	}
	return "activity"
}

// queuesOf returns the queues that a build has served. A new build has none until Temporal
// has written down what its workers ask for.
func (v *Versions) queuesOf(ctx context.Context, build string) ([]queue, error) {
	var d *workflowservice.DescribeWorkerDeploymentVersionResponse
	err := patiently(ctx, func() (err error) {
		d, err = v.client.WorkflowService().DescribeWorkerDeploymentVersion(ctx, &workflowservice.DescribeWorkerDeploymentVersionRequest{
			Namespace: v.namespace, DeploymentVersion: &deploymentpb.WorkerDeploymentVersion{DeploymentName: v.deployment, BuildId: build},
		})
		return err
	})
	if unknown := (*serviceerror.NotFound)(nil); errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, fault("describing version "+build, err)
	}
	var all []queue
	for _, q := range d.GetVersionTaskQueues() {
		all = append(all, queue{q.GetName(), q.GetType()})
	}
	slices.SortFunc(all, func(a, b queue) int { return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind)) })
	return all, nil
}

// seen is who asks a queue for tasks now.
type seen struct {
	// pollers counts them by build; those without a version have Unversioned.
	pollers map[string]int
	backlog int64
}

// pollerLives is how long a process counts as one that asks for tasks: a request waits for
// a minute, and Temporal lists one that was killed for five.
const pollerLives = 80 * time.Second

func (v *Versions) look(ctx context.Context, q queue) (seen, error) {
	var d *workflowservice.DescribeTaskQueueResponse
	err := patiently(ctx, func() (err error) {
		d, err = v.client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
			Namespace: v.namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: q.name}, TaskQueueType: q.kind, ReportStats: true,
		})
		return err
	})
	if err != nil {
		return seen{}, fault("describing the queue "+q.name, err)
	}
	found := seen{pollers: map[string]int{}, backlog: d.GetStats().GetApproximateBacklogCount()}
	for _, p := range d.GetPollers() {
		o := p.GetDeploymentOptions()
		versioned := o.GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED
		switch {
		case time.Since(p.GetLastAccessTime().AsTime()) > v.lives:
		case versioned && o.GetDeploymentName() == v.deployment:
			found.pollers[o.GetBuildId()]++
		case !versioned:
			found.pollers[Unversioned]++
		}
	}
	return found, nil
}
