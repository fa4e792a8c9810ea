package consume

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitTimeout bounds one commit. A commit that failed is made again with
// the next one, or its records are delivered again: neither loses anything.
const commitTimeout = 5 * time.Second

func (c *Consumer) commitPeriodically(polling, run context.Context, cl *kgo.Client) {
	ticker := time.NewTicker(c.cfg.CommitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-polling.Done():
			return
		case <-ticker.C:
		}
		c.committing.Lock()
		c.commit(run, cl, c.allSessions())
		c.committing.Unlock()
	}
}

// commit commits what is done in the sessions since their last commit. The caller
// holds committing, so that the partitions are owned until it returns.
func (c *Consumer) commit(ctx context.Context, cl *kgo.Client, sessions []*session) {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	byPartition := make(map[partition]*session, len(sessions))
	for _, s := range sessions {
		at, ok := s.toCommit()
		if !ok {
			continue
		}
		byPartition[s.partition] = s
		if offsets[s.partition.topic] == nil {
			offsets[s.partition.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[s.partition.topic][s.partition.id] = at
	}
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			c.metrics.commits.WithLabelValues("failed").Inc()
			c.faults.WarnContext(ctx, "committing offsets failed", "error", err)
			return
		}
		c.noteCommitted(ctx, resp, offsets, byPartition)
	})
}

// noteCommitted reads the response partition by partition: some may have failed.
func (c *Consumer) noteCommitted(ctx context.Context, resp *kmsg.OffsetCommitResponse, offsets map[string]map[int32]kgo.EpochOffset, sessions map[partition]*session) {
	failed := false
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				failed = true
				c.faults.WarnContext(ctx, "committing offsets failed", "error", err, "topic", t.Topic, "partition", p.Partition)
				continue
			}
			if s := sessions[partition{topic: t.Topic, id: p.Partition}]; s != nil {
				s.noteCommitted(offsets[t.Topic][p.Partition])
			}
		}
	}
	if failed {
		c.metrics.commits.WithLabelValues("failed").Inc()
	} else {
		c.metrics.commits.WithLabelValues("ok").Inc()
	}
}
