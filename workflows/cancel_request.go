package workflows

import (
	"context"
	"errors"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// CancelRequest asks for the cancellation of a workflow. The client's own
// method records neither who asks nor why, and makes a new request of each
// repeat.
type CancelRequest struct {
	Namespace string
	// RequestID makes repeats one request.
	RequestID string
	// Identity and Reason stand in the workflow's history: who asks, and why.
	Identity, Reason string
}

// Send sends r to the workflow that info describes. A workflow that was asked
// before is no error; one that has ended is serviceerror.NotFound.
func (r CancelRequest) Send(ctx context.Context, c client.Client, info *workflow.WorkflowExecutionInfo) error {
	_, err := c.WorkflowService().RequestCancelWorkflowExecution(ctx, &workflowservice.RequestCancelWorkflowExecutionRequest{
		Namespace: r.Namespace,
		// Named by its first run: a parked run continues as a new one.
		WorkflowExecution:   &common.WorkflowExecution{WorkflowId: info.GetExecution().GetWorkflowId()},
		FirstExecutionRunId: info.GetFirstRunId(),
		Identity:            r.Identity,
		RequestId:           r.RequestID,
		Reason:              r.Reason,
	})
	if earlier := (*serviceerror.CancellationAlreadyRequested)(nil); errors.As(err, &earlier) {
		return nil
	}
	return err
}
