// Package events defines what orak writes to Kafka and reads from it: the topics,
// the CloudEvents envelope and the payloads.
//
// Events are CloudEvents 1.0 in binary mode of the Kafka protocol binding: the
// context attributes are record headers with the prefix "ce_", the value is the
// data as JSON, and the key is the upload's id, so that the events of an upload
// stay in order. Other producers may use structured mode, or send notifications of
// an S3 bucket. Payloads only gain optional fields; testdata/ has one golden of
// every shape that was ever emitted, and each of them must be decoded for ever.
package events
