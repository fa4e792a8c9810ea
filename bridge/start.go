package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
	"orak/workflows"
)

// maxRefusals is how often Temporal has to refuse a record before the record
// counts as being at fault.
const maxRefusals = 3

// start starts the workflow of u, once and only once, however often u is
// announced. A start whose answer was lost is tried again, and then counts as
// a duplicate.
func (b *Bridge) start(ctx context.Context, j *job, u orak.Upload) outcome {
	began := time.Now()
	id := workflows.UploadWorkflowID(u.ID)
	log := b.log.With("upload_id", u.ID, "tenant", u.Tenant, "workflow_id", id)
	var out outcome
	var refused error
	refusals := 0
	ok := b.persist(ctx, j, b.temporal, "starting the workflow", func(try context.Context) error {
		out, refused = outcomeStarted, nil
		if err := b.connect(try); err != nil {
			return err
		}
		runID, err := b.execute(try, j.r, u)
		var exists *serviceerror.WorkflowExecutionAlreadyStarted
		var invalid *serviceerror.InvalidArgument
		switch {
		case err == nil:
			log.Info("workflow started", "run_id", runID)
			return nil
		case errors.As(err, &exists):
			out = outcomeDuplicate
			log.Debug("workflow was started before", "run_id", exists.RunId)
			return nil
		case errors.As(err, &invalid):
			if refusals++; refusals < maxRefusals {
				return err
			}
			refused = err
			return b.blameNamespace(try, invalid)
		default:
			return err
		}
	})
	switch {
	case !ok:
		return outcomeAbandoned
	case refused != nil:
		return b.deadLetter(ctx, j, &orak.Fault{
			Class:   orak.ClassInternal,
			Message: "The upload could not be taken into processing.",
			Err:     fmt.Errorf("starting workflow %s: %w", id, refused),
		})
	}
	b.metrics.start.Observe(time.Since(began).Seconds())
	return out
}

func (b *Bridge) execute(ctx context.Context, r *kgo.Record, u orak.Upload) (runID string, err error) {
	options := StartOptions(u)
	options.EnableEagerStart = b.cfg.EagerStart
	run, err := b.deps.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeProcessUpload, Input(r, u))
	if err != nil {
		return "", err
	}
	return run.GetRunID(), nil
}

// StartOptions are how the workflow of u is started, once and only once.
// Whoever starts one by another way than the bridge begins with them.
func StartOptions(u orak.Upload) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                    workflows.UploadWorkflowID(u.ID),
		TaskQueue:             workflows.QueuePipeline,
		Priority:              temporal.Priority{FairnessKey: string(u.Tenant)},
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		// Without it a run that exists is returned as if it were new.
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo: map[string]any{
			workflows.MemoProgress: orak.Progress{Upload: u, Status: orak.StatusQueued, UpdatedAt: time.Now().UTC()},
		},
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AttrStatus.ValueSet(string(orak.StatusQueued)),
			workflows.AttrTenant.ValueSet(string(u.Tenant)),
		),
	}
}

// Input is what the workflow of u, which r announced, is started with.
func Input(r *kgo.Record, u orak.Upload) workflows.ProcessUploadInput {
	return workflows.ProcessUploadInput{Upload: u, Origin: events.OriginOf(r)}
}

// connect makes the first health check, one at a time: a client that was made
// without connecting loads the server's capabilities then, and the SDK's starts
// read them without a lock. Whoever waits for another one's check waits no
// longer than ctx.
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

// blameNamespace tells a namespace that refuses every record, because our
// search attributes are not usable there yet, from a refused record: nil means
// that it is the record. What a record puts into search attributes is valid
// by construction, so a refusal that speaks of them is never the record's
// fault; they come into effect some time after they are registered. Where
// Temporal does not let us look, the record is taken to be at fault.
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
	for _, attr := range []string{workflows.AttrStatus.GetName(), workflows.AttrTenant.GetName()} {
		if _, ok := resp.GetCustomAttributes()[attr]; !ok {
			return fmt.Errorf("search attribute %s is not registered in namespace %s", attr, b.deps.Namespace)
		}
	}
	return nil
}
