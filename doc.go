// Package orak holds the nouns of the service: the upload, its stages and
// statuses, the failure classes, the shape of a finished analysis and the
// names of the objects that belong to an upload.
//
// It imports only the standard library, so that every other package may import it.
// Technologies are in internal/, behaviour in api/, bridge/, workflows/,
// activities/ and worker/; internal/app connects them.
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
// The promise of the service: no upload is ever lost, stuck, or failed silently.
package orak
