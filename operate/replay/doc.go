// Package replay reads the retained topic of uploads again and starts the
// workflows that should be there and are not; and it shows and moves the
// offsets of a consumer group.
//
//	Plan   bounds by Kafka's own offsets ─► read ─► decode ─► Describe each upload once ─► what would be started
//	Run    read the same bounds again ─► start what was chosen, batch by batch ─► State after each
//
// A replay is no member of any group: it reads partitions by offset, up to
// where they ended when it was planned, and commits nothing. The live bridge
// and its offsets never notice.
//
// What is started is what the bridge would start (workflows.StartOptions), but at
// LowestPriority, so that uploads that arrive meanwhile go first.
//
// Temporal has the last word on each start. The reuse policy that goes with a
// start is the narrowest that its reason allows: a missing upload is started
// only where none was ever known, a failed one only after a failure. A run
// that is open is never touched, whatever was asked for.
//
// # Non-obvious
//
//   - Between a stop and its resumption, uploads that were started again may
//     have ended again. So a run that began after the replay did is its own
//     work, and never chosen a second time. That compares this machine's clock
//     with Temporal's.
//   - A batch is started as a whole before State moves past it, so that State
//     is one offset for each partition and nothing before it is left out.
//   - The plan remembers offsets, not uploads: a topic of millions fits into
//     memory, at the cost of reading what was chosen twice.
//   - A transaction's marker takes an offset and is no record. Markers are
//     read, too, or the end of a partition would never be seen.
//   - Retention may delete what is still to be read. A partition that stays
//     silent is therefore looked at again, and is done once its log no longer
//     reaches into the bounds.
package replay
