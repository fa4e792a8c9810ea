package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak/workflows"
)

// beFirstVersion makes this worker's version the current one if its deployment has never
// had any: Temporal gives tasks only to a current version, so that nothing would run after
// the first start. Every later version is made current by an operator. Of several workers
// that start at once, the first decides.
func (w *Worker) beFirstVersion(ctx context.Context) error {
	if !w.version.UseVersioning {
		return nil
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 2*time.Second
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if last = w.tryFirstVersion(ctx); last != nil && isFinal(last) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return fmt.Errorf("looking for the current version of deployment %s: %w", w.version.Version.DeploymentName, errors.Join(ctx.Err(), last))
	}
	return nil
}

// isFinal reports whether an error does not go by itself. Others do: Temporal learns of a
// deployment and its versions from their workers, another worker may have been faster, and
// what keeps the deployment is busy for a moment.
func isFinal(err error) bool {
	var (
		denied  *serviceerror.PermissionDenied
		invalid *serviceerror.InvalidArgument
		unknown *serviceerror.Unimplemented
	)
	return errors.As(err, &denied) || errors.As(err, &invalid) || errors.As(err, &unknown)
}

func (w *Worker) tryFirstVersion(ctx context.Context) error {
	own, service := w.version.Version, w.client.WorkflowService()
	found, err := service.DescribeWorkerDeployment(ctx, &workflowservice.DescribeWorkerDeploymentRequest{Namespace: w.deps.Namespace, DeploymentName: own.DeploymentName})
	if err != nil {
		return err
	}
	routing := found.GetWorkerDeploymentInfo().GetRoutingConfig()
	// An operator may have chosen workers without a version, which has a time as well.
	if current := routing.GetCurrentDeploymentVersion(); current != nil || routing.GetCurrentVersionChangedTime() != nil || routing.GetRampingVersionChangedTime() != nil {
		if current.GetBuildId() != own.BuildID {
			w.log.InfoContext(ctx, "another version is current; this one gets tasks once an operator makes it current or lets it ramp",
				"deployment", own.DeploymentName, "build_id", own.BuildID, "current", current.GetBuildId(), "ramping", routing.GetRampingDeploymentVersion().GetBuildId())
		}
		return nil
	}
	if other, err := w.otherDeployment(ctx); err != nil || other != "" {
		if err == nil {
			w.log.WarnContext(ctx, "the queues belong to another deployment, whose version stays current", "deployment", own.DeploymentName, "other", other)
		}
		return err
	}
	_, err = service.SetWorkerDeploymentCurrentVersion(ctx, &workflowservice.SetWorkerDeploymentCurrentVersionRequest{
		Namespace: w.deps.Namespace, DeploymentName: own.DeploymentName, BuildId: own.BuildID, ConflictToken: found.GetConflictToken(),
	})
	if denied := (*serviceerror.PermissionDenied)(nil); errors.As(err, &denied) {
		w.log.WarnContext(ctx, "this worker may not make its version the first current one; nothing runs until an operator does", "deployment", own.DeploymentName, "build_id", own.BuildID, "error", err)
		return nil
	}
	if err == nil {
		w.log.InfoContext(ctx, "the first version of the deployment was made current", "deployment", own.DeploymentName, "build_id", own.BuildID)
	}
	return err
}

// otherDeployment returns the deployment that has the current version of the workflows'
// queue; empty if none has.
func (w *Worker) otherDeployment(ctx context.Context) (string, error) {
	d, err := w.client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: w.deps.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: workflows.QueuePipeline}, TaskQueueType: enumspb.TASK_QUEUE_TYPE_WORKFLOW,
	})
	if err != nil {
		return "", err
	}
	return d.GetVersioningInfo().GetCurrentDeploymentVersion().GetDeploymentName(), nil
}
