package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/workflowservice/v1"

	"orak/events"
	"orak/internal/kafka"
)

// checkRetention warns where Temporal forgets closed workflows before Kafka
// forgets the records that started them: such a record, read again, would
// start its workflow a second time. It looks once, as soon as both answer.
func (b *Bridge) checkRetention(ctx context.Context, cl *kgo.Client) {
	waits := newBackoff(30 * time.Second)
	for {
		remembered, kept, err := b.retentions(ctx, cl)
		if err == nil {
			b.judgeRetention(remembered, kept)
			return
		}
		b.faults.warn(b.log, "checking retention failed", "error", err)
		timer := time.NewTimer(waits.wait())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (b *Bridge) retentions(ctx context.Context, cl *kgo.Client) (remembered, kept time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.StartTimeout)
	defer cancel()
	ns, err := b.deps.Temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: b.deps.Namespace})
	if err != nil {
		return 0, 0, fmt.Errorf("describing namespace: %w", err)
	}
	kept, err = kafka.Retention(ctx, cl, events.TopicUploads)
	if err != nil {
		return 0, 0, err
	}
	return ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), kept, nil
}

// judgeRetention takes kept 0 for ever.
func (b *Bridge) judgeRetention(remembered, kept time.Duration) {
	if kept != 0 && remembered > kept {
		b.log.Debug("retention is in order", "namespace", remembered, "topic", kept)
		return
	}
	b.log.Warn("the namespace's retention is not longer than the topic's: replayed records could be processed twice",
		"namespace", remembered, "topic", kept, "for_ever", kept == 0)
}
