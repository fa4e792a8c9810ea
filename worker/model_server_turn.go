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

// turnLease is how long a turn outlasts a worker that died while it held it;
// turnAskedFor bounds one question to Temporal.
const (
	turnLease    = time.Minute
	turnAskedFor = 10 * time.Second
)

// turn is the right to be alone with the model server, which one recording has
// at a time among those of all workers.
type turn struct {
	client client.Client
	log    *slog.Logger
}

// errTurnTaken is an attempt's that comes again when it may be its turn.
var errTurnTaken = &orak.Fault{Class: orak.ClassOverload, RetryAfter: time.Second, Message: "The analysis waits until it can have the model server alone."}

// take gives the turn, until leave or the end of ctx, or errTurnTaken.
func (t *turn) take(ctx context.Context) (leave func(), err error) {
	asking, cancel := context.WithTimeout(ctx, turnAskedFor)
	defer cancel()
	run, err := t.client.ExecuteWorkflow(asking, client.StartWorkflowOptions{
		ID: workflows.TurnWorkflowID(orak.DependencyModelServer), TaskQueue: workflows.QueuePipeline,
		WorkflowExecutionTimeout: turnLongest, WorkflowExecutionErrorWhenAlreadyStarted: true,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, workflows.TypeTurn, turnLease)
	if taken := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &taken) {
		return nil, errTurnTaken
	}
	if err != nil {
		return nil, &orak.Fault{Class: orak.ClassOverload, Message: errTurnTaken.Message, Err: err}
	}
	return t.hold(ctx, run), nil
}

// turnLongest ends a turn that no worker serves.
const turnLongest = 24 * time.Hour

// hold prolongs a turn until it is left.
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

// signal prolongs or ends a turn. One that cannot be ended ends by its lease.
func (t *turn) signal(ctx context.Context, run client.WorkflowRun, hold bool) {
	ctx, cancel := context.WithTimeout(ctx, turnAskedFor)
	defer cancel()
	if err := t.client.SignalWorkflow(ctx, run.GetID(), run.GetRunID(), workflows.SignalTurn, hold); err != nil && ctx.Err() == nil {
		t.log.WarnContext(ctx, "turn at the model server was neither prolonged nor given back", "hold", hold, "error", err)
	}
}
