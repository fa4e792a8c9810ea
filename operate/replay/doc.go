// Package replay reads the retained records of the topic of uploads again and
// starts the workflows that are missing or failed. It also shows and moves the
// offsets of any consumer group on any topic.
//
//	Plan   offsets from Kafka ─► read ─► decode ─► ask for each upload once ─► what would be started
//	Run    read the same offsets again ─► start what was chosen, in batches ─► Save after each
//
// A replay joins no group and commits nothing: it reads partitions from an
// offset up to where they ended when it was planned. It does not affect the
// bridges and their offsets.
//
// It starts workflows with the options of the bridge (workflows.StartOptions),
// but with LowestPriority, so that new uploads go first.
//
// Temporal decides about each start. Its reuse policy is the strictest that
// allows the start: a missing upload is started only if it never had a workflow,
// a failed one only after a failure. An open run is never touched.
//
// # Non-obvious
//
//   - Between an interruption and its resumption, uploads that were started may
//     have ended. So a run that began after the replay counts as started by it,
//     and is not chosen again. That compares this machine's clock with
//     Temporal's.
//   - Save is called after a whole batch, so that the saved state is one offset
//     for each partition, and nothing before it is left out.
//   - The plan keeps what records say of uploads on disk, in buckets by upload, and
//     of what it chose a byte for each offset. So a topic of a hundred million fits
//     into memory. What was chosen is read twice.
//   - The marker of a transaction takes an offset and is no record. Markers are
//     read as well, or the end of a partition would never be reached.
//   - Retention may delete records that are still to be read. The bounds of
//     a partition without new records are therefore checked again; it is done
//     when its log no longer reaches into them.
package replay
