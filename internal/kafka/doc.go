// Package kafka holds what every part of orak that speaks to Kafka shares:
// one way to make a client, the creation of topics, and a producer that says
// whose fault a failed send is.
//
// A client is made for safety first: acks from all in-sync replicas,
// idempotent, no linger (an upload waits for its acknowledgement, and 10 ms of
// linger would be most of that wait), no topic ever created by accident.
//
//	Publish ──► buffer ──► broker ──ack──► Publish returns nil
//	   │           │
//	   │           └─ no ack within DeliveryTimeout: the send fails, unless
//	   │              the broker may have it already; then it is tried on
//	   └─ ctx ends: Publish returns, and the record may still go out
//
// So a record is sent at least once, and whoever reads it drops repeats by
// the event's id.
//
// # Non-obvious
//
//   - franz-go looks only at the context of the first record of a batch, and
//     when that ends it fails every record buffered for the partition. The
//     producer therefore never gives a caller's context to the client.
//   - Produce blocks when the buffer is full. The producer refuses instead: a
//     caller with an outbox is better served by an error at once.
//   - The trace context of a dead letter is its origin's and stays untouched.
package kafka
