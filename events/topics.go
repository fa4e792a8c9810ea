package events

import "time"

// The topics. Operators type these names.
const (
	TopicUploads     = "orak.uploads"
	TopicLifecycle   = "orak.lifecycle"
	TopicDeadLetters = "orak.dead-letters"
	TopicControl     = "orak.control"
)

// Topic is how a topic is created where it is missing.
type Topic struct {
	Name       string
	Partitions int32
	// Retention is how long records are kept; 0 for a compacted topic.
	Retention time.Duration
	Compacted bool
}

// Partitions is the number of partitions of every topic: keys keep their
// order only as long as it stays.
const Partitions int32 = 12

// Topics are all the topics that orak needs.
func Topics() []Topic {
	const day = 24 * time.Hour
	return []Topic{
		{Name: TopicUploads, Partitions: Partitions, Retention: 7 * day},
		{Name: TopicLifecycle, Partitions: Partitions, Retention: 7 * day},
		{Name: TopicDeadLetters, Partitions: Partitions, Retention: 30 * day},
		{Name: TopicControl, Partitions: Partitions, Compacted: true},
	}
}

// The consumer groups.
const (
	GroupBridge   = "orak-bridge"
	GroupBackfill = "orak-backfill"
	GroupIndex    = "orak-index"
	GroupLake     = "orak-lake"
)
