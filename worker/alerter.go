package worker

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"orak/activities"
	"orak/workflows"
)

// alerter hands alerts to the AlertDigest of their stage and class, and
// starts it where it does not run.
type alerter struct {
	client         client.Client
	wait, interval time.Duration
}

var _ activities.Alerter = (*alerter)(nil)

// NewAlerter makes the Alerter that workers use, for others that raise alerts.
// wait and interval are the group times of a digest that an alert starts.
func NewAlerter(c client.Client, wait, interval time.Duration) activities.Alerter {
	return &alerter{client: c, wait: wait, interval: interval}
}

// Raise is activities.Alerter's.
func (a *alerter) Raise(ctx context.Context, alert activities.Alert) error {
	_, err := a.client.SignalWithStartWorkflow(ctx,
		workflows.AlertWorkflowID(alert.Stage, alert.Class), workflows.SignalAlert, alert,
		client.StartWorkflowOptions{TaskQueue: workflows.QueuePipeline},
		workflows.TypeAlertDigest,
		workflows.AlertDigestInput{Stage: alert.Stage, Class: alert.Class, GroupWait: a.wait, GroupInterval: a.interval})
	if err != nil {
		return fmt.Errorf("signalling alert digest: %w", err)
	}
	return nil
}
