// Package orak holds the nouns of the service: the upload, its stages and
// statuses, the failure classes, the shape of a finished analysis and the
// names of the objects that belong to an upload.
//
// It imports the standard library alone, so that every other package may
// import it. Technologies live in internal/, behaviour in api/, bridge/,
// workflows/, activities/ and worker/; internal/app wires them.
//
//	app ──POST──► api ──► object store ──► Kafka orak.uploads
//	                                            │
//	                                         bridge
//	                                            │
//	                                 Temporal: ProcessUpload
//	                           convert ──► analyze ──► publish
//	                                            │ a step gives up
//	                                            ▼
//	                          dead letter, alert, and the workflow parks
//
// The promise behind all of it: no upload is ever lost, stuck, or failed in
// silence.
package orak
