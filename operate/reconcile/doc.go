// Package reconcile finds the uploads that slipped through between Kafka and
// Temporal, and mends what it finds. The workflow Reconcile calls it, page by
// page; an operator looks through its eyes with "orak dlq verify".
//
//	Missing  records that the bridge has passed by ─► no workflow ─► start it
//	Closed   workflows terminated, timed out, failed ─► start again, Restarts+1
//	Letters  parked workflows ◄─► dead letters ─► write what is missing, report the rest
//	Tasks    open workflows whose workflow task fails ─► report them
//
// Visibility finds candidates, and lags; what Describe says of each decides.
// The reuse policy of each start makes Temporal itself look once more. Nothing
// is started that the store has a tombstone of, or that is being erased.
//
// # Non-obvious
//
//   - An upload without a workflow need not be missing: Temporal forgets what
//     it finished, and then the store has the outcome; or the bridge has
//     dead-lettered its record, which is then an operator's to decide about.
//   - The bridge forgets a cancellation of what it did not start. So the rest
//     of the topic is searched for one before a missing upload is started.
//   - A parked upload that was terminated is parked again, where it was: a dead
//     letter is never reprocessed by itself.
package reconcile
