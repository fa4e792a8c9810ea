// Package worker runs the workflows and the activities: one Temporal worker for
// each task queue that this process serves.
//
//	orak-pipeline   workflows, publishing, events, dead letters, alerts
//	orak-convert    conversions, at most --convert-slots at once
//	orak-gpu        analyses, at most --gpu-slots at once
//
// The slots limit one process; Temporal has no limit for a whole task queue.
// Eager activities, which bypass the queue, are disabled where slots limit the
// load.
//
// Stop lets running steps continue for half of the stop timeout. Then it
// interrupts the rest and returns them to the server, which gives them to another
// worker, or to this one after its restart. That costs no attempt.
package worker
