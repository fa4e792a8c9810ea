package bridge

import (
	"context"
	"errors"

	"go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/events"
	"orak/internal/kafka/consume"
	"orak/workflows"
)

// canceled handles a request to cancel an upload: it asks the workflow to end,
// once, however often the event is delivered. How the workflow ends, and that it
// says so, is the workflow's part.
func (b *Bridge) canceled(ctx context.Context, d *consume.Delivery, e events.Event) outcome {
	c, err := e.Cancellation()
	if err != nil {
		return b.deadLetter(ctx, d, orak.AsFault(err))
	}
	out := b.request(ctx, d, "canceling the workflow", "The event asks for the end of another tenant's upload.", func(ctx context.Context) (outcome, error) {
		err := b.requestCancel(ctx, c)
		var absent *serviceerror.NotFound
		var earlier *serviceerror.CancellationAlreadyRequested
		switch {
		case errors.As(err, &absent):
			return outcomeNotRunning, nil
		case errors.As(err, &earlier):
			return outcomeCanceled, nil
		}
		return outcomeCanceled, err
	})
	log := b.log.With("upload_id", c.ID, "tenant", c.Tenant, "workflow_id", workflows.UploadWorkflowID(c.ID), "by", c.By)
	switch out {
	case outcomeNotRunning:
		log.InfoContext(ctx, "no workflow to cancel")
	case outcomeCanceled:
		log.InfoContext(ctx, "workflow was asked to end")
	}
	return out
}

// requestCancel uses the service's own request: the client's method says neither
// who asks nor why, and makes a new request of each repeat.
func (b *Bridge) requestCancel(ctx context.Context, c events.Cancellation) error {
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
		// Named by its first run: a run that is parked continues in another.
		WorkflowExecution:   &common.WorkflowExecution{WorkflowId: id},
		FirstExecutionRunId: info.GetFirstRunId(),
		Identity:            b.deps.Kafka.ClientID,
		RequestId:           events.CancellationID(c.ID),
		Reason:              reasonOf(c),
	})
	return err
}

// reasonOf is what the workflow's history says.
func reasonOf(c events.Cancellation) string {
	if c.Reason == "" {
		return "by " + c.By
	}
	return "by " + c.By + ": " + c.Reason
}
