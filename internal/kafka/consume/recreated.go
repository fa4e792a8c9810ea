package consume

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// recreatedWait is the least time between two attempts to consume a recreated
// topic: while the topic is gone, each poll asks for one.
const recreatedWait = time.Second

// consumeRecreated makes the client forget a topic that was deleted and
// recreated, and consume the new one. By itself the client refuses the new topic
// for ever, with an error at each poll and no wait between them. The partitions
// are revoked and assigned again by that, with the commits that the broker has
// for the new topic: it forgets those of a deleted one.
func (c *Consumer) consumeRecreated(polling context.Context, cl *kgo.Client, fetches kgo.Fetches) {
	var recreated []string
	fetches.EachError(func(topic string, _ int32, err error) {
		if errors.Is(err, kerr.UnknownTopicID) && !slices.Contains(recreated, topic) {
			recreated = append(recreated, topic)
		}
	})
	if len(recreated) == 0 {
		return
	}
	c.log.ErrorContext(polling, "topic was recreated; consuming the new one", "topics", recreated)
	timer := time.NewTimer(recreatedWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-polling.Done():
		return
	}
	cl.PurgeTopicsFromConsuming(recreated...)
	cl.AddConsumeTopics(recreated...)
}
