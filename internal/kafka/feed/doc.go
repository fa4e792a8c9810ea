// Package feed follows events.TopicLifecycle for many readers, each of which wants the
// events of one tenant, without a consumer group.
//
//	topic ─┬─► session: one consumer, from the end on ─► queues of the readers
//	       └─► resumption: one reader's own consumer, from its position to the session's
//
// A reader gets every event behind the position from which it resumes, each at least
// once and those of one upload in order, or it is told that some were lost. A position
// has the next offset of each partition, so that any process goes on from it. The
// session runs while there are readers.
package feed
