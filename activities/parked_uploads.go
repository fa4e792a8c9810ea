package activities

import (
	"context"
	"fmt"

	"orak"
	"orak/activities/messages"
)

// Parked finds the uploads of a stage and class that are parked now, as
// ParkedQuery tells them, which may lag some seconds behind.
type Parked interface {
	// FindParked counts all of them and names messages.MaxSamples at most.
	FindParked(ctx context.Context, s orak.Stage, c orak.Class) (messages.ParkedUploads, error)
}

// CountParkedInput says of which group the parked uploads are counted.
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

// ParkedQuery is the visibility query for the parked uploads of a stage and
// class.
func ParkedQuery(s orak.Stage, c orak.Class) string {
	return fmt.Sprintf("WorkflowType='ProcessUpload' AND ExecutionStatus='Running' AND OrakStatus='%s' AND OrakStage='%s' AND OrakFailure='%s'",
		orak.StatusDeadLettered, s, c)
}
