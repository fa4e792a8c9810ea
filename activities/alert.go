package activities

import (
	"context"
	"fmt"

	"orak"
	"orak/activities/messages"
)

// RaiseAlert sends an alert to the digest of its stage and class.
func (a *Activities) RaiseAlert(ctx context.Context, in messages.Alert) error {
	if err := a.deps.Alerter.Raise(ctx, in); err != nil {
		return fmt.Errorf("raising alert: %w", err)
	}
	return nil
}

// PostAlert posts one message for a group of alerts.
func (a *Activities) PostAlert(ctx context.Context, g messages.AlertGroup) error {
	return a.post(ctx, a.notifier(ctx, g.Class), a.deps.Messages.AlertText(g, ParkedQuery(g.Stage, g.Class)), "stage", string(g.Stage), "class", string(g.Class), "count", g.Count)
}

// notifier returns the Notifier of the alerts of a class.
func (a *Activities) notifier(ctx context.Context, c orak.Class) Notifier {
	if a.deps.Route == nil {
		return a.deps.Notifier
	}
	return a.deps.Route(ctx, c)
}

// Parked finds the uploads of a stage and class that are parked now, by
// ParkedQuery. Temporal's visibility may lag some seconds behind.
type Parked interface {
	// FindParked counts all of them and names at most messages.MaxSamples.
	FindParked(ctx context.Context, s orak.Stage, c orak.Class) (messages.ParkedUploads, error)
}

// CountParkedInput is the input of CountParked.
type CountParkedInput struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
}

// CountParked counts the parked uploads of a stage and class.
func (a *Activities) CountParked(ctx context.Context, in CountParkedInput) (messages.ParkedUploads, error) {
	found, err := a.deps.Parked.FindParked(ctx, in.Stage, in.Class)
	if err != nil {
		return messages.ParkedUploads{}, fmt.Errorf("counting parked uploads: %w", err)
	}
	return found, nil
}

// ParkedQuery returns the visibility query for the parked uploads of a stage and
// class.
func ParkedQuery(s orak.Stage, c orak.Class) string {
	return fmt.Sprintf("WorkflowType='ProcessUpload' AND ExecutionStatus='Running' AND OrakStatus='%s' AND OrakStage='%s' AND OrakFailure='%s'",
		orak.StatusDeadLettered, s, c)
}
