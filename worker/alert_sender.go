package worker

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"orak/activities"
	"orak/activities/messages"
	"orak/workflows"
)

// alerter signals alerts to the AlertDigest of their stage and class, and starts
// it if it is not running.
type alerter struct {
	client client.Client
	cfg    Config
}

var _ activities.Alerter = (*alerter)(nil)

// NewAlerter makes an Alerter for other roles. A digest uses the alert intervals
// of cfg from the next alert on.
func NewAlerter(c client.Client, cfg Config) activities.Alerter {
	return &alerter{client: c, cfg: cfg}
}

// Raise implements activities.Alerter.
func (a *alerter) Raise(ctx context.Context, alert messages.Alert) error {
	intervals := workflows.AlertIntervals{
		GroupWait: a.cfg.AlertGroupWait, GroupInterval: a.cfg.AlertGroupInterval, RepeatInterval: a.cfg.AlertRepeatInterval,
	}
	_, err := a.client.SignalWithStartWorkflow(ctx, workflows.AlertWorkflowID(alert.Stage, alert.Class),
		workflows.SignalAlert, workflows.AlertSignal{Alert: alert, Intervals: &intervals},
		client.StartWorkflowOptions{TaskQueue: workflows.QueuePipeline, StaticSummary: messages.AlertSummary(alert.Stage, alert.Class)},
		workflows.TypeAlertDigest, workflows.AlertDigestInput{Stage: alert.Stage, Class: alert.Class, AlertIntervals: intervals})
	if err != nil {
		return fmt.Errorf("signaling alert digest: %w", err)
	}
	return nil
}
