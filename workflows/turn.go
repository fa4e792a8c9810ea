package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// Turn is the lease of one worker among all to have a dependency alone for a
// recording: a second Turn with the same id cannot start. A signal of true renews
// it for the duration lease, one of false ends it. If the worker dies the lease
// runs out.
func (f *Flows) Turn(ctx workflow.Context, lease time.Duration) error {
	signals := workflow.GetSignalChannel(ctx, SignalTurn)
	for hold := true; hold; {
		if ok, _ := signals.ReceiveWithTimeout(ctx, lease, &hold); !ok {
			return ctx.Err()
		}
	}
	return ctx.Err()
}
