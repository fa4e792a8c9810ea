package bridge

import (
	"context"
	"errors"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

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
		return b.requestCancel(ctx, c)
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

// requestCancel asks the workflow to end, if it runs and is the tenant's.
func (b *Bridge) requestCancel(ctx context.Context, c events.Cancellation) (outcome, error) {
	info, err := b.find(ctx, c.ID)
	switch {
	case err != nil:
		return outcomeAbandoned, err
	case info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return outcomeNotRunning, nil
	}
	if tenant := workflows.TenantOf(info); tenant != "" && tenant != c.Tenant {
		return outcomeAbandoned, errOtherTenant
	}
	err = workflows.CancelRequest{
		Namespace: b.deps.Namespace, RequestID: events.CancellationID(c.ID),
		Identity: b.deps.Kafka.ClientID + "-" + name, Reason: reasonOf(c),
	}.Send(ctx, b.deps.Temporal, info)
	if ended := (*serviceerror.NotFound)(nil); errors.As(err, &ended) {
		return outcomeNotRunning, nil
	}
	return outcomeCanceled, err
}

// reasonOf is what the workflow's history says.
func reasonOf(c events.Cancellation) string {
	if c.Reason == "" {
		return "by " + c.By
	}
	return "by " + c.By + ": " + c.Reason
}
