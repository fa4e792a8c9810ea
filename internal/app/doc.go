// Package app is the composition root: the one place where the concrete
// store, broker, orchestrator, converter and engine meet the packages that
// know them by small interfaces.
//
// Start runs any set of roles in one process. What starts registers its named
// stop at once; Stop undoes them in reverse order, within a bound.
//
//	orak api      ─┐
//	orak bridge    ├─► app.Start(cfg, roles) ─► what the roles need, then the roles
//	orak worker    │
//	standalone up ─┘
//
// A process that serves the API alone starts whatever the state of Kafka and
// Temporal: uploads are taken and kept in the outbox. The other roles wait for
// what they need.
package app
