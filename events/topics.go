package events

import "time"

// The topics. Operators type these names.
const (
	TopicUploads     = "orak.uploads"
	TopicLifecycle   = "orak.lifecycle"
	TopicDeadLetters = "orak.dead-letters"
	// TopicControl has the documents of package control. Its records are no events.
	TopicControl = "orak.control"
	// TopicAudit has the record of each act of a person; see Act. Its records are no
	// events.
	TopicAudit = "orak.audit"
)

// Topic describes a topic to create if it is missing.
type Topic struct {
	Name       string
	Partitions int32
	// Retention is how long records are kept, 0 for ever; it does not apply if Compacted.
	Retention time.Duration
	// Compacted means that the last record of each key is kept for ever.
	Compacted bool
}

// Partitions is the number of partitions of every topic of events unless a setting says
// otherwise. More later cost nothing: each upload is a workflow of its own, which takes
// what is repeated or late from any partition.
const Partitions int32 = 12

const day = 24 * time.Hour

// AuditRetention is how long the records of TopicAudit are kept unless audit-retention says
// otherwise: a year, and the time to look at it.
const AuditRetention = 400 * day

// Topics returns every topic that orak needs.
func Topics() []Topic {
	return []Topic{
		{Name: TopicUploads, Partitions: Partitions, Retention: 7 * day},
		{Name: TopicLifecycle, Partitions: Partitions, Retention: 7 * day},
		{Name: TopicDeadLetters, Partitions: Partitions, Retention: 30 * day},
		// One partition, so that all documents have one order.
		{Name: TopicControl, Partitions: 1, Compacted: true},
		// Kept for long, so that an index that is made anew has these acts, too.
		{Name: TopicAudit, Partitions: 1, Retention: AuditRetention},
	}
}

// GroupBridge is the consumer group of the bridges.
const GroupBridge = "orak-bridge"

// GroupIndex is the consumer group of those who keep the index.
const GroupIndex = "orak-index"

// GroupLake is the consumer group of the lake's writers.
const GroupLake = "orak-lake"

// GroupWebhooks is the consumer group of those who start the deliveries to webhooks.
const GroupWebhooks = "orak-webhooks"
