// Package app is the composition root: the one place where the concrete
// store, broker, orchestrator, converter and engine meet the packages that
// know them by small interfaces.
//
// Start runs any set of roles in one process. Each part registers its named
// stop as soon as it runs; Stop calls them in reverse order, within a bound.
//
//	orak api      ─┐
//	orak bridge    ├─► app.Start(cfg, roles) ─► what the roles need, then the roles
//	orak worker    │
//	standalone up ─┘
//
// A process that serves only the API starts even while Kafka or Temporal is
// unavailable: it takes uploads and keeps them in the outbox. The other roles
// wait for what they need.
package app
