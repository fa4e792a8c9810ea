package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/workflows"
)

// turnLease is how long a turn outlives the worker that held it; turnAskedFor
// bounds one request to Temporal.
const (
	turnLease    = time.Minute
	turnAskedFor = 10 * time.Second
)

// turn is the right to be alone with the model server. One recording has it at a
// time, among all workers.
type turn struct {
	client client.Client
	log    *slog.Logger
}

// errTurnTaken fails an attempt while another recording has the turn; it is retried.
var errTurnTaken = &orak.Fault{Class: orak.ClassOverload, RetryAfter: time.Second, Message: "The analysis waits until it can have the model server alone."}

// take takes the turn until leave is called or ctx ends. It fails with
// errTurnTaken.
func (t *turn) take(ctx context.Context) (leave func(), err error) {
	asking, cancel := context.WithTimeout(ctx, turnAskedFor)
	defer cancel()
	run, err := t.client.ExecuteWorkflow(asking, client.StartWorkflowOptions{
		ID: workflows.TurnWorkflowID(orak.DependencyModelServer), TaskQueue: workflows.QueuePipeline,
		WorkflowExecutionTimeout: turnLongest, WorkflowExecutionErrorWhenAlreadyStarted: true,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "One worker has the model server alone for a recording",
	}, workflows.TypeTurn, turnLease)
	if taken := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &taken) {
		return nil, errTurnTaken
	}
	if err != nil {
		return nil, &orak.Fault{Class: orak.ClassOverload, Message: errTurnTaken.Message, Err: err}
	}
	return t.hold(ctx, run), nil
}

// turnLongest bounds a turn whose workflow no worker serves.
const turnLongest = 24 * time.Hour

// hold renews the lease of a turn until leave is called.
func (t *turn) hold(ctx context.Context, run client.WorkflowRun) (leave func()) {
	holding, stop := context.WithCancel(ctx)
	var prolonging sync.WaitGroup
	prolonging.Go(func() {
		tick := time.NewTicker(turnLease / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				t.signal(holding, run, true)
			case <-holding.Done():
				return
			}
		}
	})
	return func() {
		stop()
		prolonging.Wait()
		t.signal(context.WithoutCancel(ctx), run, false)
	}
}

// signal renews or ends a turn. If it cannot be ended, its lease runs out.
func (t *turn) signal(ctx context.Context, run client.WorkflowRun, hold bool) {
	ctx, cancel := context.WithTimeout(ctx, turnAskedFor)
	defer cancel()
	if err := t.client.SignalWorkflow(ctx, run.GetID(), run.GetRunID(), workflows.SignalTurn, hold); err != nil && ctx.Err() == nil {
		t.log.WarnContext(ctx, "turn at the model server could not be renewed or ended", "hold", hold, "error", err)
	}
}
