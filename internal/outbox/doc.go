// Package outbox is what sees to it that every stored upload is announced: a
// marker at orak.PendingKey, written before the recording, which stays until
// Kafka has acknowledged the upload's event.
//
//	marker ─┬─ recording there ─► announce, then remove the marker
//	        ├─ none yet, young ─► leave it: somebody may be sending it
//	        ├─ none, and old ───► remove the marker: nobody was told 202
//	        └─ tombstone ───────► remove the marker: the upload was erased
//
// An erasure that was accepted has a marker of its own, at
// orak.PendingErasureKey, until Kafka has acknowledged its event.
//
// Each API process settles what it finds (its relay), and Reconcile does where
// none runs. Any number may do so at once: what each of them does, another may
// do again.
package outbox
