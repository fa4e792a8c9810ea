package bridge

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
	"orak/workflows"
)

// outcomeErasing: the upload is being erased, by this very handling.
const outcomeErasing outcome = "erasing"

// settleErased handles an event of type Erased. One that tells of an erasure,
// as they do on the lifecycle topic, is for others.
func (b *Bridge) settleErased(ctx context.Context, j *job, e events.Event) outcome {
	if _, err := e.Lifecycle(); err == nil {
		b.log.Debug("event skipped", "type", e.Type, "event_id", e.ID, "partition", j.r.Partition, "offset", j.r.Offset)
		return outcomeSkipped
	}
	asked, err := e.Erasure()
	if err != nil {
		return b.deadLetter(ctx, j, orak.AsFault(err))
	}
	at := e.Time
	if at.IsZero() {
		at = j.r.Timestamp.UTC()
	}
	return b.erase(ctx, j, workflows.EraseUploadInput{
		ID: asked.ID, Tenant: asked.Tenant, RequestedAt: at, By: asked.By, Reason: asked.Reason,
	})
}

// erase starts the workflow that erases an upload. One that runs already does
// it; one that has run is begun again, and finds out whether there is anything
// left to do. Records of one key are handled in order: the upload's own
// workflow has been started by now, or its id is the erasure's to take.
func (b *Bridge) erase(ctx context.Context, j *job, in workflows.EraseUploadInput) outcome {
	id := workflows.EraseWorkflowID(in.ID)
	log := b.log.With("upload_id", in.ID, "tenant", in.Tenant, "workflow_id", id)
	out := outcomeErasing
	var refused error
	ok := b.persist(ctx, j, b.temporal, "starting the erasure", func(ctx context.Context) error {
		err := b.startErasure(ctx, in)
		var exists *serviceerror.WorkflowExecutionAlreadyStarted
		switch {
		case errors.As(err, &exists):
			out = outcomeDuplicate
		case errors.Is(err, errOtherTenant):
			refused = err
		default:
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
			Message: "The event asks for another tenant's upload to be erased.",
			Err:     fmt.Errorf("starting workflow %s: %w", id, refused),
		})
	case out == outcomeErasing:
		log.Info("erasure started", "by", in.By)
	}
	return out
}

func (b *Bridge) startErasure(ctx context.Context, in workflows.EraseUploadInput) error {
	if err := b.connect(ctx); err != nil {
		return err
	}
	described, err := b.deps.Temporal.DescribeWorkflowExecution(ctx, workflows.UploadWorkflowID(in.ID), "")
	var absent *serviceerror.NotFound
	if err != nil && !errors.As(err, &absent) {
		return err
	}
	if tenant := workflows.TenantOf(described.GetWorkflowExecutionInfo()); tenant != "" && tenant != in.Tenant {
		return errOtherTenant
	}
	_, err = b.deps.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:        workflows.EraseWorkflowID(in.ID),
		TaskQueue: workflows.QueuePipeline,
		// Without it a run that exists is returned as if it were new.
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes:                    temporal.NewSearchAttributes(workflows.AttrTenant.ValueSet(string(in.Tenant))),
	}, workflows.TypeEraseUpload, in)
	return err
}
