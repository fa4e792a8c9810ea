// Package worker runs the workflows and the activities: one Temporal worker
// for each task queue that this process serves.
//
//	orak-pipeline   workflows, publishing, events, dead letters, alerts
//	orak-convert    conversions, --convert-slots at once
//	orak-gpu        analyses, --gpu-slots at once
//
// The number of slots is the limit of one process; Temporal has none for a
// task queue as a whole. Eager activities, which a workflow task can bring
// along past the queue, are off on the queues with slots to protect.
//
// Stop lets running steps go on for half of the stop timeout. Those that are
// not done by then are interrupted and handed back to the server, which gives
// them to another worker, or to this one once it is up again; that is no
// attempt spent.
package worker
