package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	deploymentpb "go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
)

// shareInterval is the interval at which a worker asks whether its version is current.
const shareInterval = 15 * time.Second

// shares exports the share of the work that the version of this process gets, so that an
// alert sees when no running worker has the current version.
type shares struct {
	share *prometheus.GaugeVec
	end   context.CancelFunc
	done  sync.WaitGroup
}

func newShares(reg prometheus.Registerer) *shares {
	return &shares{share: promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Name: "orak_worker_version_share",
		Help: "Share of the work that goes to the worker version of this process: 1 for a current version, 0 for one that gets nothing. Absent without worker-deployment, and while workers without a version are current.",
	}, nil)}
}

// follow asks for the share until stop.
func (s *shares) follow(c client.Client, namespace string, v sdkworker.WorkerDeploymentVersion, log *slog.Logger) {
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	s.done.Go(func() {
		tick := time.NewTicker(shareInterval)
		defer tick.Stop()
		for {
			s.look(ctx, c, namespace, v, log)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// look keeps the last share while Temporal does not answer: workers go on with it, too.
func (s *shares) look(ctx context.Context, c client.Client, namespace string, v sdkworker.WorkerDeploymentVersion, log *slog.Logger) {
	bounded, cancel := context.WithTimeout(ctx, shareInterval)
	defer cancel()
	d, err := c.WorkflowService().DescribeWorkerDeployment(bounded, &workflowservice.DescribeWorkerDeploymentRequest{Namespace: namespace, DeploymentName: v.DeploymentName})
	if err != nil {
		log.DebugContext(ctx, "the current version of the workers is unknown", "deployment", v.DeploymentName, "error", err)
		return
	}
	routing := d.GetWorkerDeploymentInfo().GetRoutingConfig()
	if routing.GetCurrentDeploymentVersion() == nil && routing.GetCurrentVersionChangedTime() != nil {
		s.share.Reset()
		return
	}
	s.share.WithLabelValues().Set(shareOf(routing, v.BuildID))
}

// shareOf returns the share of the work, from 0 to 1, that a build gets.
func shareOf(routing *deploymentpb.RoutingConfig, build string) float64 {
	ramp := float64(routing.GetRampingVersionPercentage()) / 100
	switch build {
	case routing.GetRampingDeploymentVersion().GetBuildId():
		return ramp
	case routing.GetCurrentDeploymentVersion().GetBuildId():
		return 1 - ramp
	default:
		return 0
	}
}

// stop ends what follow began, and may be called without it.
func (s *shares) stop() {
	if s.end == nil {
		return
	}
	s.end()
	s.done.Wait()
	s.share.Reset()
}
