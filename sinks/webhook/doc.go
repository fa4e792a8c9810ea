// Package webhook tells customers' servers what happens to their uploads.
//
//	orak.lifecycle ─► consume ─► Sink ─► DeliverWebhook ─► SendWebhook ─► receiver
//	                             one workflow for each event and webhook
//
// # Exactly one delivery, at least one request
//
// The id of a delivery's workflow follows from the webhook and the event, so that an event
// that is read again starts nothing. The offset of an event is committed once all of its
// deliveries are started. A receiver may get a request twice, with the same webhook-id:
// its answer may be lost.
//
// An event is matched with the webhooks that there were when it was written: the control
// documents are read up to their end first.
//
// # Slow and broken receivers
//
// All attempts of a delivery are those of one activity; between them it holds nothing but a
// timer of Temporal. An attempt that finds too much underway for its webhook or its tenant
// takes no slot, and comes back when it is likely to find a place. A webhook that failed a
// few times in a row has one place only. So receivers that are slow, or never answer, do
// not delay others.
//
// # Paused
//
// A receiver that answers 410 Gone pauses its webhook, and so does a delivery that failed
// to the end of its time without that any other had succeeded meanwhile. Deliveries to a
// paused webhook end at once, and can be asked for again once it is resumed.
package webhook
