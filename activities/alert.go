package activities

import (
	"context"
	"fmt"

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
	return a.post(ctx, a.deps.Messages.AlertText(g, ParkedQuery(g.Stage, g.Class)), "stage", string(g.Stage), "class", string(g.Class), "count", g.Count)
}
