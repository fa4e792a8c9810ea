// Package index keeps the read model of uploads: one row for each, with its last
// state and what its analysis found, its vector, the songs, and what people did.
//
//	orak.uploads ───┐
//	                ├─► consume ──► handler ──► Store.Apply ─► SQLite or PostgreSQL
//	orak.lifecycle ─┤   batches     rows        one transaction with the next offset
//	orak.audit ─────┘
//
// It follows from the events and can be made anew; nothing else depends on it. Store
// is its interface: package sqlite implements it in a file, package postgres on a
// server, and package indextest is the suite that both pass.
//
// # Each upload once, with its last state
//
// The next offset of a partition is written in the transaction of the batch, and a
// record below it changes nothing. So a crash between the transaction and Kafka's
// commit, a rebalance, or two writers at the same time repeat work and leave the same
// rows.
//
// The events of one upload lie on two topics, which are read independently. So rows
// have an order of their own, Upload.Rank: an announcement never changes what the
// lifecycle said, an earlier cycle never a later one, and what ends a cycle is not
// overwritten by what led to it. Of equal rank, the later record wins.
//
// # Erased
//
// An erased upload keeps a row with its id, its tenant and the time of the erasure,
// and nothing else. No rank is higher, so no late event brings it back.
package index
