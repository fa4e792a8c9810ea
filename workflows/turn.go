package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// Turn is held by one worker of all while it has a recording alone with a
// dependency: no second Turn with the same id can start. A signal of true
// prolongs it by lease, one of false ends it. A worker that dies loses it when
// the lease runs out.
func (f *Flows) Turn(ctx workflow.Context, lease time.Duration) error {
	signals := workflow.GetSignalChannel(ctx, SignalTurn)
	for hold := true; hold; {
		if ok, _ := signals.ReceiveWithTimeout(ctx, lease, &hold); !ok {
			return ctx.Err()
		}
	}
	return ctx.Err()
}
