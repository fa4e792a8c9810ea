package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/api/workflowservice/v1"

	"orak/events"
)

// checkRetention warns where Temporal forgets closed workflows before Kafka
// forgets the records that started them: such a record, read again, would start
// its workflow a second time. It checks once, as soon as both answer.
func (b *Bridge) checkRetention(ctx context.Context) {
	check := func() (struct{}, error) {
		remembered, kept, err := b.retentions(ctx)
		if err == nil {
			b.judgeRetention(ctx, remembered, kept)
		}
		return struct{}{}, err
	}
	waits := backoff.NewExponentialBackOff()
	waits.MaxInterval = 30 * time.Second
	_, _ = backoff.Retry(ctx, check, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0), // ends with ctx, or in success
		backoff.WithNotify(func(err error, wait time.Duration) {
			b.log.WarnContext(ctx, "checking retention failed; it is tried again", "error", err, "wait", wait)
		}))
}

func (b *Bridge) retentions(ctx context.Context) (remembered, kept time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.StartTimeout)
	defer cancel()
	ns, err := b.deps.Temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: b.deps.Namespace})
	if err != nil {
		return 0, 0, fmt.Errorf("describing namespace: %w", err)
	}
	kept, err = b.consumer.Retention(ctx, events.TopicUploads)
	return ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), kept, err
}

// judgeRetention compares them; kept 0 means for ever.
func (b *Bridge) judgeRetention(ctx context.Context, remembered, kept time.Duration) {
	if kept != 0 && remembered > kept {
		b.log.DebugContext(ctx, "retention is in order", "namespace", remembered, "topic", kept)
		return
	}
	b.log.WarnContext(ctx, "namespace retention is not longer than the topic's; replayed records could be processed twice",
		"namespace", remembered, "topic", kept, "for_ever", kept == 0)
}
