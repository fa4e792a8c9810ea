// Package workflows has the durable workflows: ProcessUpload carries one upload
// through its stages, AlertDigest groups alerts into messages, OutageDigest posts
// outages, EraseUpload removes the objects of an upload, and Reconcile repairs
// inconsistencies.
//
//	ProcessUpload, id upload-<id>
//
//	   ┌────────────► convert ─► analyze ─► publish ─► completed
//	   │                 └──────────┴──────────┘
//	   │ reprocess                  │ a stage gives up
//	   │ (from any stage up to      ▼
//	   │  the one that failed) dead letter, event, alert
//	   └──────────────────────── parked ─┬─ discard ─► discarded
//	                                     └─ 7 days ──► expired (closes failed)
//	   a cancellation, at any point ─────────────────► canceled
//
// The status of an upload is written in three places at once: the memo (for
// Describe), the search attributes (for filters) and the answer to the query
// status. A final status is written last, once the outcome object and the event
// are durable.
//
// Progress.Timeline has failed attempts only from the last failure of a stage: a
// stage that succeeds leaves no marks. An upload that was restarted more than
// MaxRestarts times parks at once, as stuck; only a person can run it again. A day
// before a parked upload expires an alert warns of it. When an upload is unparked,
// the digest of its failure gets a signal.
//
// A command reaches a parked upload as an Update, which is validated and answered,
// or as a signal of the same name, which operators send with the temporal and tctl
// tools. An invalid signal (the upload is running, the stage is unknown) is logged
// and dropped. It is not kept for later, since its sender acted on a different
// state.
//
// Workflow code is replayed: it takes the time from workflow.Now and its Settings
// from a recorded side effect, so that changed settings affect only new runs.
// testdata/history has a recorded history of each path, and a test replays them.
package workflows
