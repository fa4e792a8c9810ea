// Package reconcile finds uploads that were lost between Kafka and Temporal, and
// repairs them. The workflow Reconcile calls it, page by page; operators compare
// dead letters and workflows with it by "orak dlq verify".
//
//	Missing  records that the bridges have committed ─► no workflow ─► start it
//	Closed   workflows terminated, timed out, failed ─► start again, Restarts+1
//	Letters  parked workflows ◄─► dead letters ─► write missing ones, report others
//	Tasks    open workflows whose workflow task fails ─► report them
//
// Visibility lists candidates, and lags behind; Describe decides about each. The
// reuse policy of a start makes Temporal itself check once more. Nothing is started
// that has a tombstone, or that is being erased.
//
// # Non-obvious
//
//   - An upload without a workflow need not be missing: Temporal deletes workflows
//     after its retention, and then the store has the outcome; or the bridge has
//     dead-lettered its record, and operators decide about it.
//   - The bridge ignores the cancellation of an upload without a workflow. So the
//     rest of the topic is searched for one before a missing upload is started.
//   - A parked upload whose workflow was terminated is parked again: a dead letter
//     is never reprocessed without a decision.
package reconcile
