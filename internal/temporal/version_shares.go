package temporal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"orak/internal/startstop"
)

// shareInterval is the interval at which a process asks what its workers get.
const shareInterval = 15 * time.Second

// VersionShares exports the share of the tasks of each queue that goes to the workers of
// this process, so that an alert sees a queue whose tasks no running worker gets. Workers
// without a version are as concerned as others: while a version is current, they get
// nothing.
type VersionShares struct {
	share *prometheus.GaugeVec
	task  startstop.Task
}

// NewVersionShares registers the metric with reg, which roles of one process share; nil
// means not at all.
func NewVersionShares(reg prometheus.Registerer) *VersionShares {
	share := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "orak_worker_version_share",
		Help: "Share of the tasks of a queue that goes to workers of the version of this process, or to those without one if it has none: 1 for a current version, 0 for one that gets nothing.",
	}, []string{"queue"})
	if reg != nil {
		var other prometheus.AlreadyRegisteredError
		switch err := reg.Register(share); {
		case errors.As(err, &other):
			share = other.ExistingCollector.(*prometheus.GaugeVec)
		case err != nil:
			panic(err) // as promauto does: another metric has the name
		}
	}
	return &VersionShares{share: share}
}

// Follow asks, until Stop, for the shares of workers with these options; queues has the
// queues that they serve, each with a kind of tasks that it has.
func (s *VersionShares) Follow(ctx context.Context, c client.Client, namespace string, own worker.DeploymentOptions, queues map[string]enumspb.TaskQueueType, log *slog.Logger) error {
	return s.task.Start(ctx, func(ctx context.Context) {
		defer s.forget(queues)
		tick := time.NewTicker(shareInterval)
		defer tick.Stop()
		idle := map[string]bool{}
		for {
			for name, kind := range queues {
				s.look(ctx, c, namespace, own, &taskqueuepb.TaskQueue{Name: name}, kind, idle, log)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

func (s *VersionShares) forget(queues map[string]enumspb.TaskQueueType) {
	for name := range queues {
		s.share.DeleteLabelValues(name)
	}
}

// look keeps the last share while Temporal does not answer: workers go on with it, too.
// idle are the queues of which the log says already that the workers get nothing.
func (s *VersionShares) look(ctx context.Context, c client.Client, namespace string, own worker.DeploymentOptions, queue *taskqueuepb.TaskQueue, kind enumspb.TaskQueueType, idle map[string]bool, log *slog.Logger) {
	bounded, cancel := context.WithTimeout(ctx, shareInterval)
	defer cancel()
	d, err := c.WorkflowService().DescribeTaskQueue(bounded, &workflowservice.DescribeTaskQueueRequest{Namespace: namespace, TaskQueue: queue, TaskQueueType: kind})
	if err != nil {
		log.DebugContext(ctx, "the current version of a queue is unknown", "queue", queue.GetName(), "error", err)
		return
	}
	share := shareOf(d.GetVersioningInfo(), own)
	s.share.WithLabelValues(queue.GetName()).Set(share)
	// That a new version gets nothing at first is usual.
	if current := d.GetVersioningInfo().GetCurrentDeploymentVersion(); share == 0 && !idle[queue.GetName()] && !own.UseVersioning {
		log.WarnContext(ctx, "this worker has no version and gets nothing while one is current: give it worker-deployment, or make workers without a version current (orak worker version current --unversioned)",
			"queue", queue.GetName(), "deployment", current.GetDeploymentName(), "current", current.GetBuildId())
	}
	idle[queue.GetName()] = share == 0
}

// shareOf returns the share of a queue's tasks, from 0 to 1, that workers get.
func shareOf(routing *taskqueuepb.TaskQueueVersioningInfo, own worker.DeploymentOptions) float64 {
	ramp := float64(routing.GetRampingVersionPercentage()) / 100
	switch {
	case ramp > 0 && isVersion(routing.GetRampingDeploymentVersion(), own):
		return ramp
	case isVersion(routing.GetCurrentDeploymentVersion(), own):
		return 1 - ramp
	default:
		return 0
	}
}

// isVersion reports whether v is the version of workers; nil stands for those without one.
func isVersion(v *deploymentpb.WorkerDeploymentVersion, own worker.DeploymentOptions) bool {
	if !own.UseVersioning {
		return v == nil
	}
	return v.GetDeploymentName() == own.Version.DeploymentName && v.GetBuildId() == own.Version.BuildID
}

// Stop ends what Follow began, and may be called without it.
func (s *VersionShares) Stop(ctx context.Context) error { return s.task.Stop(ctx) }
