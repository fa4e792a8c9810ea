package activities

import (
	"context"
	"fmt"
	"time"

	"orak"
	"orak/events"
)

// DeadLetterInput is the input of DeadLetter.
type DeadLetterInput struct {
	Origin  events.Origin `json:"origin"`
	Failure orak.Failure  `json:"failure"`
	// First is the failure of the first cycle, from cycle 1 on.
	First      *orak.Failure `json:"first,omitempty"`
	WorkflowID string        `json:"workflow_id"`
	RunID      string        `json:"run_id"`
	Cycle      int           `json:"cycle"`
	FailedAt   time.Time     `json:"failed_at"`
}

// DeadLetter writes the event that started the upload to the dead-letter topic,
// with headers that describe the failure.
func (a *Activities) DeadLetter(ctx context.Context, in DeadLetterInput) error {
	letter := events.DeadLetter{
		Origin:     in.Origin,
		Failure:    in.Failure,
		First:      in.First,
		WorkflowID: in.WorkflowID,
		RunID:      in.RunID,
		WebUI:      a.deps.Links.WorkflowURL(in.WorkflowID, in.RunID),
		Cycle:      in.Cycle,
		FailedAt:   in.FailedAt,
	}
	if err := a.deps.Publisher.PublishDeadLetter(ctx, letter); err != nil {
		return fmt.Errorf("writing dead letter: %w", err)
	}
	a.metrics.deadLetters.WithLabelValues(string(in.Failure.Stage), string(in.Failure.Class)).Inc()
	a.log.ErrorContext(ctx, "upload dead-lettered", "workflow_id", in.WorkflowID, "run_id", in.RunID,
		"stage", string(in.Failure.Stage), "class", string(in.Failure.Class),
		"counted_attempts", in.Failure.Attempts, "cycle", in.Cycle, "message", in.Failure.Message)
	return nil
}
