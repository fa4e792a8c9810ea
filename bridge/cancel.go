package bridge

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/events"
	"orak/workflows"
)

const (
	// outcomeCanceled: the workflow has been asked to end.
	outcomeCanceled outcome = "canceled"
	// outcomeNotRunning: there was nothing to cancel. The workflow has ended,
	// or was not started yet; then it will be, since a cancellation is not
	// kept. Records of one key are handled in order, so that this happens only
	// to what was announced later than it was canceled.
	outcomeNotRunning outcome = "not_running"
)

// errOtherTenant is an event about somebody else's upload.
var errOtherTenant = errors.New("the workflow is another tenant's")

// settleCanceled handles an event of type Canceled. One that tells of an end,
// as they do on the lifecycle topic, is for others.
func (b *Bridge) settleCanceled(ctx context.Context, j *job, e events.Event) outcome {
	if _, err := e.Lifecycle(); err == nil {
		b.log.Debug("event skipped", "type", e.Type, "event_id", e.ID, "partition", j.r.Partition, "offset", j.r.Offset)
		return outcomeSkipped
	}
	c, err := e.Cancellation()
	if err != nil {
		return b.deadLetter(ctx, j, orak.AsFault(err))
	}
	return b.cancel(ctx, j, c)
}

// cancel asks the workflow of c to end, once, however often the event is
// delivered. How the workflow ends, and that it says so, is its own matter.
func (b *Bridge) cancel(ctx context.Context, j *job, c events.Cancellation) outcome {
	id := workflows.UploadWorkflowID(c.ID)
	log := b.log.With("upload_id", c.ID, "tenant", c.Tenant, "workflow_id", id)
	out := outcomeCanceled
	var refused error
	ok := b.persist(ctx, j, b.temporal, "canceling the workflow", func(ctx context.Context) error {
		err := b.requestCancel(ctx, c)
		var absent *serviceerror.NotFound
		var earlier *serviceerror.CancellationAlreadyRequested
		switch {
		case errors.As(err, &absent):
			out = outcomeNotRunning
		case errors.Is(err, errOtherTenant):
			refused = err
		case err != nil && !errors.As(err, &earlier):
			return err
		}
		return nil
	})
	switch {
	case !ok:
		return outcomeAbandoned
	case refused != nil:
		return b.deadLetter(ctx, j, &orak.Fault{
			Class:   orak.ClassInput,
			Message: "The event asks for the end of another tenant's upload.",
			Err:     fmt.Errorf("canceling workflow %s: %w", id, refused),
		})
	case out == outcomeNotRunning:
		log.Info("no workflow to cancel", "by", c.By)
	default:
		log.Info("workflow asked to end", "by", c.By)
	}
	return out
}

// requestCancel is by the service itself, since the client's method tells
// neither who asks nor why, and makes a new request of each repeat.
func (b *Bridge) requestCancel(ctx context.Context, c events.Cancellation) error {
	if err := b.connect(ctx); err != nil {
		return err
	}
	id := workflows.UploadWorkflowID(c.ID)
	described, err := b.deps.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return err
	}
	info := described.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return serviceerror.NewNotFound("the workflow has ended")
	}
	if tenant := workflows.TenantOf(info); tenant != "" && tenant != c.Tenant {
		return errOtherTenant
	}
	_, err = b.deps.Temporal.WorkflowService().RequestCancelWorkflowExecution(ctx, &workflowservice.RequestCancelWorkflowExecutionRequest{
		Namespace: b.deps.Namespace,
		// Named by its first run: a run that is parked goes on in another.
		WorkflowExecution:   &common.WorkflowExecution{WorkflowId: id},
		FirstExecutionRunId: info.GetFirstRunId(),
		Identity:            b.deps.Kafka.ClientID,
		RequestId:           events.CancellationID(c.ID),
		Reason:              reasonOf(c),
	})
	return err
}

// reasonOf is what stands in the workflow's history.
func reasonOf(c events.Cancellation) string {
	if c.Reason == "" {
		return "by " + c.By
	}
	return "by " + c.By + ": " + c.Reason
}
