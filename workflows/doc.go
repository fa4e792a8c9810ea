// Package workflows holds what must not be forgotten: ProcessUpload carries
// one upload through its stages, AlertDigest gathers alerts into messages,
// EraseUpload removes what is stored of an upload.
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
// Where an upload stands is written in three places at once: the memo (for
// Describe), the search attributes (for filters) and the answer to the query
// status. A final status is written last of all, once the outcome object and
// the event are durable.
//
// What Progress.Timeline tells of failed attempts comes from the last failure
// of a stage: a stage that ends well leaves no marks. An upload that was
// started again more than MaxRestarts times parks at once, as stuck; only a
// person can have it run. A day before a parked upload expires an alert says
// so, and whenever one is parked no more, the digest of its failure hears it.
//
// Commands reach a parked upload as an Update, which is validated and
// answered, or as a signal of the same name, which is what operators type in
// the temporal and tctl tools. A signal that makes no sense (the upload is
// running, the stage is unknown) is logged and dropped; it is not kept for
// later, since whoever sent it was looking at another state of things.
//
// Workflow code is replayed: it takes the time from workflow.Now and its
// Settings from a recorded side effect, so that a change of configuration
// concerns new runs alone. testdata/history has a recorded history of each
// path, and a test replays them all.
package workflows
