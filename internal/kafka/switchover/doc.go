// Package switchover says which of two clusters the topic of uploads is written to.
//
//	orak kafka switch ──► control/kafka-uploads.json in the store ──► View of every process ──► kafka.Router
//
// The document lies in the store, since the topic of settings may be on the cluster that
// is dead. Writers take turns by its ETag. Readers look every few seconds, and keep the
// place that they saw last while the store is unavailable: without the store no upload is
// taken anyway.
//
// A switch moves producers, not consumers: bridges read both places, always.
package switchover
