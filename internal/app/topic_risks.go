package app

import (
	"context"

	"orak/internal/kafka"
	"orak/internal/temporal"
)

// tellTopicRisks logs what is wrong with the topics, each with the command that mends
// it. Nothing waits for it: uploads are taken with such topics, too.
func (a *App) tellTopicRisks(ctx context.Context) {
	risks, err := kafka.TopicRisks(ctx, a.kafka, a.cfg.topics(), a.closedWorkflows(ctx))
	if err != nil {
		a.log.WarnContext(ctx, "could not compare the topics with what orak needs of them", "error", err)
		return
	}
	for _, r := range risks {
		a.log.WarnContext(ctx, "topic is at risk", "topic", r.Topic, "risk", r.Code, "have", r.Have, "want", r.Want, "meaning", r.Meaning, "mend", r.Mend)
	}
}

// closedWorkflows is how long Temporal keeps what is over, as far as this process knows
// a Temporal that answers.
func (a *App) closedWorkflows(ctx context.Context) kafka.Closed {
	closed := kafka.Closed{Namespace: a.cfg.Temporal.Namespace}
	if a.temporal == nil {
		return closed
	}
	ctx, cancel := context.WithTimeout(ctx, retentionWithin)
	defer cancel()
	kept, err := temporal.Retention(ctx, a.temporal, closed.Namespace)
	if err != nil {
		a.log.DebugContext(ctx, "the retention of Temporal is not known yet", "error", err)
		return closed
	}
	closed.Kept = kept
	return closed
}
