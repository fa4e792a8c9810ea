// Package kafka has what all parts of orak that use Kafka share: the creation of
// clients and topics, and a producer that classifies failures.
//
// A client is configured so that no record is lost: acks from all in-sync replicas,
// an idempotent producer, no linger (an upload waits for its acknowledgment, and
// 10 ms of linger would be most of that wait), and no auto-created topics.
//
//	Publish ──► buffer ──► broker ──ack──► Publish returns nil
//	   │           │
//	   │           └─ no ack within DeliveryTimeout: the send fails, unless the
//	   │              broker may have the record already; then it is retried
//	   └─ ctx ends: Publish returns, and the record may still be sent
//
// So a record is sent at least once, and consumers drop repeats by the event's id.
//
// # Non-obvious
//
//   - franz-go uses only the context of the first record in a batch, and when that
//     ends, it fails every record that is buffered for the partition. The producer
//     therefore never passes a caller's context to the client.
//   - Produce blocks when the buffer is full. The producer returns an error at once
//     instead, which suits a caller with an outbox better.
//   - The trace context of a dead letter is that of its origin, unchanged.
package kafka
