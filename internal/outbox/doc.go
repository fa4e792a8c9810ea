// Package outbox makes sure that every stored upload is announced. It keeps a
// marker at orak.PendingKey, which is written before the recording is complete and
// stays until Kafka has acknowledged the upload's event.
//
//	marker ─┬─ recording stored ────────► announce, then remove the marker
//	        ├─ no recording, young ─────► leave it: the upload may be running
//	        ├─ no recording, old ───────► remove the marker: 202 was never answered
//	        └─ tombstone ───────────────► remove the marker: the upload was erased
//
// An accepted erasure has a marker of its own, at orak.PendingErasureKey, until
// Kafka has acknowledged its event.
//
// The relay of each API process publishes the markers that it finds; the
// workflow Reconcile does the same where no API process runs. Any number of them
// may work at once, since publishing is idempotent.
package outbox
