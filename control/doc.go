// Package control is the control plane: the settings that operators change while
// the processes run, and the documents of tenants, keys and webhooks.
//
// # The topic
//
// The documents are the records of events.TopicControl, which is compacted and
// of which only partition 0 is used, so that all documents have one order. A
// record's key names a document, its value is the document as JSON, and a record
// without a value removes the document. A document carries the name of its
// schema, its version, and who wrote it and when. The versions of a key only
// grow, across removals and across a topic that is made anew.
//
// # One writer at a time
//
// A Writer refuses to overwrite a version that its caller has not seen. Kafka has
// no compare-and-set, but it has fencing: a producer with a transactional id
// fences off every earlier producer with that id. All Writers have the same one.
// So a Writer fences off the others first, then reads to the end of the topic,
// compares the version, and commits its record in a transaction; if another
// Writer has begun meanwhile, the commit fails, and it starts over. Two operators
// who change the same document at the same moment are told apart by that: the
// second gets a Conflict that says who changed it, and when.
//
// Readers need no rule for that: they read committed records only, and the last
// record of a key counts. A rule by which readers ignored a record that replaces
// another version than the current one would not survive compaction, which keeps
// the last record of a key, be it the ignored one (decision 0027).
//
// # The view
//
// Each process keeps all documents in a View, which follows the topic without a
// consumer group. Who asks the View for a setting gets the value in effect now,
// and may Watch it. A document that is malformed, or holds a value out of
// bounds, changes nothing: the View keeps the last good one and says so.
//
// While Kafka is unavailable, a process starts with the snapshot in the store
// (SnapshotKey), which a Keeper writes. It is also what a Keeper restores a
// topic from that was deleted and made anew.
package control
