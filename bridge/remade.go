package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
)

// remadeWait is what one taking up of a topic made anew costs at least; while
// the topic is gone, each poll would ask for it.
const remadeWait = time.Second

// takeUpRemade makes the client forget a topic that was deleted and made anew,
// and consume the new one. By itself it would refuse the new topic for ever,
// with an error at each poll and no wait between them. Its partitions are
// revoked and assigned again by that, with the commits that the broker has for
// the new topic: it forgets those of a deleted one.
func (b *Bridge) takeUpRemade(polling context.Context, cl *kgo.Client, fetches kgo.Fetches) {
	remade := false
	fetches.EachError(func(_ string, _ int32, err error) {
		remade = remade || errors.Is(err, kerr.UnknownTopicID)
	})
	if !remade {
		return
	}
	b.log.Error("the topic was deleted and made anew, taking up the new one", "topic", events.TopicUploads)
	timer := time.NewTimer(remadeWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-polling.Done():
		return
	}
	cl.PurgeTopicsFromConsuming(events.TopicUploads)
	cl.AddConsumeTopics(events.TopicUploads)
}
