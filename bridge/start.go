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
func (b *Bridge) start(ctx context.Context, s *session, r *kgo.Record, u orak.Upload) outcome {
	began := time.Now()
	id := workflows.UploadWorkflowID(u.ID)
	log := b.log.With("upload_id", u.ID, "tenant", u.Tenant, "workflow_id", id)
	var out outcome
	var refused error
	refusals := 0
	ok := b.persist(ctx, s, r, "starting the workflow", func(try context.Context) error {
		out, refused = outcomeStarted, nil
		if err := b.connect(try); err != nil {
			return err
		}
		// Not within try: the wait for a turn is no part of the start.
		runID, err := b.limited(ctx, s, func(ctx context.Context) (string, error) { return b.execute(ctx, r, u) })
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
		return b.deadLetter(ctx, s, r, &orak.Fault{
			Class:   orak.ClassInternal,
			Message: "The upload could not be taken into processing.",
			Err:     fmt.Errorf("starting workflow %s: %w", id, refused),
		})
	}
	b.metrics.start.Observe(time.Since(began).Seconds())
	return out
}

// limited runs start once the limiter lets it, and within StartTimeout, and
// tells the limiter what came of it.
func (b *Bridge) limited(ctx context.Context, s *session, start func(context.Context) (string, error)) (runID string, err error) {
	p, ok := b.limit.acquire(ctx.Done(), s.ending)
	if !ok {
		return "", errors.New("waiting for a turn: the partition is given up")
	}
	began, v := time.Now(), verdictNone
	defer func() { b.limit.release(p, time.Since(began), v) }()
	ctx, cancel := context.WithTimeout(ctx, b.cfg.StartTimeout)
	defer cancel()
	runID, err = start(ctx)
	v = judgeStart(err)
	return runID, err
}

func judgeStart(err error) verdict {
	var exhausted *serviceerror.ResourceExhausted
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case err == nil, errors.As(err, &exists):
		return verdictFine
	case errors.As(err, &exhausted):
		return verdictOverload
	default:
		return verdictNone
	}
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

// connect has the first word with Temporal, for one record at a time: a client
// that was made without connecting learns then what the server can do, and
// the SDK's starts read that without a lock.
func (b *Bridge) connect(ctx context.Context) error {
	if b.connected.Load() {
		return nil
	}
	b.connecting.Lock()
	defer b.connecting.Unlock()
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
