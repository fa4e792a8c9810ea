package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/events"
	"orak/internal/kafka/consume"
	"orak/workflows"
)

// maxRefusals is how often Temporal has to refuse a record before the record
// counts as being at fault.
const maxRefusals = 3

// start starts the workflow of u, once and only once, however often u is
// announced. A start whose answer was lost is tried again, and then counts as a
// duplicate.
func (b *Bridge) start(ctx context.Context, d *consume.Delivery, u orak.Upload) outcome {
	began := time.Now()
	l := launch{in: workflows.ProcessUploadInput{Upload: u, Origin: events.OriginOf(d.Record)}}
	out := b.request(ctx, d, "starting the workflow", "The event announces another tenant's upload.", func(ctx context.Context) (outcome, error) {
		exists, err := b.launch(ctx, &l)
		if exists {
			return b.announceAgain(ctx, l.in)
		}
		return outcomeStarted, err
	})
	if out == outcomeStarted && l.refused != nil {
		return b.park(ctx, d, u, &orak.Fault{
			Class:   orak.ClassInternal,
			Message: "The upload could not be taken into processing.",
			Err:     fmt.Errorf("starting workflow %s: %w", workflows.UploadWorkflowID(u.ID), l.refused),
		})
	}
	if out == outcomeStarted || out == outcomeDuplicate {
		b.metrics.start.Observe(time.Since(began).Seconds())
	}
	return out
}

// launch is a workflow that is to be started, over all tries.
type launch struct {
	in workflows.ProcessUploadInput
	// refusals counts how often Temporal has refused the start; refused is set
	// once that is the record's fault.
	refusals int
	refused  error
}

// launch tries to start l's workflow; exists says that there is one. A nil
// error with l.refused means that there is none, and can be none.
func (b *Bridge) launch(ctx context.Context, l *launch) (exists bool, err error) {
	l.refused = nil
	options := workflows.StartOptions(l.in)
	options.EnableEagerStart = b.cfg.EagerStart
	if b.deps.Priority != nil && options.Priority.PriorityKey == 0 {
		options.Priority.PriorityKey = b.deps.Priority(l.in.Upload.Tenant)
	}
	run, err := b.deps.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeProcessUpload, l.in)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	var invalid *serviceerror.InvalidArgument
	switch {
	case err == nil:
		b.starts.add(l.in.Upload.ID)
		b.log.DebugContext(ctx, "workflow started", "upload_id", l.in.Upload.ID, "tenant", l.in.Upload.Tenant, "workflow_id", options.ID, "run_id", run.GetRunID())
		return false, nil
	case errors.As(err, &already):
		b.log.DebugContext(ctx, "workflow was started before", "upload_id", l.in.Upload.ID, "tenant", l.in.Upload.Tenant, "workflow_id", options.ID, "run_id", already.RunId)
		return true, nil
	case errors.As(err, &invalid):
		if l.refusals++; l.refusals < maxRefusals {
			return false, err
		}
		l.refused = err
		return false, b.blameNamespace(ctx, invalid)
	default:
		return false, err
	}
}

// connect makes the first health check, one at a time: a lazy client loads the
// server's capabilities then, and the SDK's starts read them without a lock. It
// waits for another record's check no longer than ctx.
func (b *Bridge) connect(ctx context.Context) error {
	if b.connected.Load() {
		return nil
	}
	select {
	case b.connecting <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("reaching Temporal: %w", ctx.Err())
	}
	defer func() { <-b.connecting }()
	if b.connected.Load() {
		return nil
	}
	if _, err := b.deps.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reaching Temporal: %w", err)
	}
	b.connected.Store(true)
	return nil
}

// blameNamespace returns an error where the namespace would refuse every record,
// because our search attributes are not usable there yet; nil blames the record.
// What a record puts into search attributes is valid by construction, so a
// refusal that names them is never the record's fault; they come into effect
// some time after they are registered. Where Temporal does not permit the
// question, the record is at fault.
func (b *Bridge) blameNamespace(ctx context.Context, refusal *serviceerror.InvalidArgument) error {
	if strings.Contains(strings.ToLower(refusal.Error()), "search attribute") {
		return refusal
	}
	resp, err := b.deps.Temporal.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: b.deps.Namespace})
	var denied *serviceerror.PermissionDenied
	var missing *serviceerror.Unimplemented
	switch {
	case errors.As(err, &denied), errors.As(err, &missing):
		return nil
	case err != nil:
		return fmt.Errorf("listing search attributes: %w", err)
	}
	for _, attr := range []string{workflows.AttrStatus.GetName(), workflows.AttrTenant.GetName(), workflows.AttrStage.GetName(), workflows.AttrFailure.GetName()} {
		if _, ok := resp.GetCustomAttributes()[attr]; !ok {
			return fmt.Errorf("search attribute %s is not registered in namespace %s", attr, b.deps.Namespace)
		}
	}
	return nil
}
