package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orak"
)

// stageOptions are those of a stage. The number of its attempts, and the waits
// between them, are decided by activities.Budget, not here. A stage may wait in
// its queue for up to StageLimit.
func (s Settings) stageOptions(ctx workflow.Context, stage orak.Stage, o options, priority temporal.Priority) workflow.Context {
	queue, timeout := QueuePipeline, s.PublishTimeout
	switch stage {
	case orak.StageConvert:
		queue, timeout = QueueConvert, cmp.Or(o.timeout, s.ConvertTimeout)
	case orak.StageAnalyze:
		queue, timeout = QueueGPU, cmp.Or(o.timeout, s.AnalyzeTimeout)
	}
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		Priority:               priority,
		TaskQueue:              queue,
		StartToCloseTimeout:    timeout,
		ScheduleToCloseTimeout: max(s.StageLimit, timeout),
		HeartbeatTimeout:       s.HeartbeatTimeout,
		// Nothing is written for a canceled upload after its last event.
		WaitForCancellation: true,
		RetryPolicy:         unlimited(30 * time.Second),
	})
}

// summarized gives the activities of ctx a summary, one line of at most 100 bytes that has
// nothing of a person. It is in the history; replays do not compare it.
func summarized(ctx workflow.Context, summary string) workflow.Context {
	options := workflow.GetActivityOptions(ctx)
	options.Summary = summary
	return workflow.WithActivityOptions(ctx, options)
}

// sideOptions are those of activities that are retried without end. The timeout
// of an attempt is short: without a heartbeat, nothing else shows that its worker
// has died.
func sideOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           QueuePipeline,
		StartToCloseTimeout: 20 * time.Second,
		RetryPolicy:         unlimited(30 * time.Second),
	})
}

// eraseOptions are the sideOptions of an erasure.
func eraseOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithTaskQueue(sideOptions(ctx), QueueErase)
}

// unlimited retries without end: after 1 s, 2 s, 4 s and so on up to maxInterval.
func unlimited(maxInterval time.Duration) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: maxInterval}
}
