package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/workflows"
)

// ender ends the workflow of an upload that is being erased.
type ender struct {
	client    client.Client
	namespace string
	payloads  workflows.Payloads
}

var _ activities.Ender = (*ender)(nil)

// End implements activities.Ender.
func (e *ender) End(ctx context.Context, in activities.Erasing, force bool) (bool, error) {
	id := workflows.UploadWorkflowID(in.ID)
	described, err := workflows.Describe(ctx, e.client, id)
	if err != nil {
		return false, err
	}
	if described == nil {
		return false, e.occupy(ctx, in)
	}
	info := described.GetWorkflowExecutionInfo()
	p, _ := e.payloads.Progress(info)
	if p.Upload.Tenant != "" && p.Upload.Tenant != in.Tenant {
		return false, sdktemporal.NewNonRetryableApplicationError("the upload belongs to another tenant", string(orak.ClassInput), nil)
	}
	switch info.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
	case enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return false, nil // the next look finds the next run
	default:
		return true, nil
	}
	if force || p.Status == orak.StatusErased {
		return false, e.terminate(ctx, info.GetExecution(), in)
	}
	return false, e.cancel(ctx, info, in)
}

// cancel requests the cancellation once, however often it is called.
func (e *ender) cancel(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, in activities.Erasing) error {
	request := workflows.CancelRequest{Namespace: e.namespace, RequestID: events.ErasureID(in.ID), Reason: "the upload is erased, by " + in.By}
	err := request.Send(ctx, e.client, info)
	var ended *serviceerror.NotFound
	if err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("canceling workflow %s: %w", info.GetExecution().GetWorkflowId(), err)
	}
	return nil
}

func (e *ender) terminate(ctx context.Context, run *common.WorkflowExecution, in activities.Erasing) error {
	err := e.client.TerminateWorkflow(ctx, run.GetWorkflowId(), run.GetRunId(), "the upload is erased, by "+in.By)
	var ended *serviceerror.NotFound
	if err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("terminating workflow %s: %w", run.GetWorkflowId(), err)
	}
	return nil
}

// unreached is a start delay that never passes: an occupied id is terminated before.
const unreached = 24 * time.Hour

// occupy takes the id of a workflow that was never started, so that a late
// announcement starts nothing. Its run never begins, and is terminated at the next
// look.
func (e *ender) occupy(ctx context.Context, in activities.Erasing) error {
	id := workflows.UploadWorkflowID(in.ID)
	_, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.QueuePipeline, StartDelay: unreached,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo: map[string]any{
			workflows.MemoProgress: workflows.ErasedProgress(in.Tenant, in.ID, in.RequestedAt),
		},
		TypedSearchAttributes: sdktemporal.NewSearchAttributes(
			workflows.AttrStatus.ValueSet(string(orak.StatusErased)),
			workflows.AttrTenant.ValueSet(string(in.Tenant)),
		),
		StaticSummary: "Erased before it was started: the id is taken",
	}, workflows.TypeEraseUpload, workflows.EraseUploadInput{})
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("occupying workflow id %s: %w", id, err)
	}
	return nil
}
