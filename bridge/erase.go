package bridge

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities/messages"
	"orak/events"
	"orak/internal/kafka/consume"
	"orak/workflows"
)

// erased handles a request to erase an upload: it starts the workflow that does
// so. One that runs already does it; one that has run is started again, and finds
// out whether anything is left to do. Records of one key are handled in order:
// the upload's own workflow has been started by now, or the erasure may take its
// id.
func (b *Bridge) erased(ctx context.Context, d *consume.Delivery, e events.Event) outcome {
	asked, err := e.Erasure()
	if err != nil {
		return b.deadLetter(ctx, d, orak.AsFault(err))
	}
	in := workflows.EraseUploadInput{ID: asked.ID, Tenant: asked.Tenant, RequestedAt: e.Time, By: asked.By, Reason: asked.Reason}
	if in.RequestedAt.IsZero() {
		in.RequestedAt = d.Record.Timestamp.UTC()
	}
	out := b.request(ctx, d, "starting the erasure", "The event asks for another tenant's upload to be erased.", func(ctx context.Context) (outcome, error) {
		err := b.startErasure(ctx, in)
		var exists *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &exists) {
			return outcomeDuplicate, nil
		}
		return outcomeErasing, err
	})
	if out == outcomeErasing {
		b.log.InfoContext(ctx, "erasure started", "upload_id", in.ID, "tenant", in.Tenant, "workflow_id", workflows.EraseWorkflowID(in.ID), "by", in.By)
	}
	return out
}

func (b *Bridge) startErasure(ctx context.Context, in workflows.EraseUploadInput) error {
	info, err := b.find(ctx, in.ID)
	if err != nil {
		return err
	}
	if tenant := workflows.TenantOf(info); tenant != "" && tenant != in.Tenant {
		return errOtherTenant
	}
	_, err = b.deps.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:        workflows.EraseWorkflowID(in.ID),
		TaskQueue: workflows.QueuePipeline,
		// Without it ExecuteWorkflow returns an existing run as if it were new.
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes:                    temporal.NewSearchAttributes(workflows.AttrTenant.ValueSet(string(in.Tenant))),
		StaticSummary:                            messages.ErasureSummary(in.Tenant, in.ID),
		StaticDetails:                            messages.ErasureDetails(in.By, in.Reason, in.RequestedAt),
	}, workflows.TypeEraseUpload, in)
	return err
}
