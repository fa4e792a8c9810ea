// Package events defines what orak says on Kafka and understands from it: the
// topics, the CloudEvents envelope and the payloads.
//
// Events are CloudEvents 1.0 in the Kafka protocol binding's binary mode: the
// context attributes are record headers with the prefix "ce_", the record's
// value is the data as JSON, the record's key is the upload's id, so that the
// events of one upload stay in order. What comes from others may also be in
// structured mode, or a notification of an S3 bucket. Payloads only ever gain optional
// fields; testdata/ holds one golden of every shape that was ever emitted,
// and decoding each of them must work for ever.
package events
