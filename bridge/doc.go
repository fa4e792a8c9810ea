// Package bridge starts a workflow for every upload that Kafka announces: once
// for each, and without losing any.
//
//	PollRecords ──► session of the partition ──► lane of the key ──► handle
//	     ▲              │ tracker                                      │
//	     │              ▼                                              ├─ start workflow upload-<id>
//	  budget      commit: lowest record not                            └─ or dead letter
//	              settled, never past a gap
//
// A record is settled when its workflow is started (or turns out to have been
// started before) or asked to end, when it is on the dead-letter topic, or when
// it has nothing for the bridge. Only then may the partition be committed past
// it. A crash before the commit delivers the record again, and the workflow's
// id, which follows from the upload's, keeps the second start from happening:
// at-least-once delivery gives exactly one start, for as long as Temporal
// remembers closed workflows, which is why their retention must be longer than
// the topic's.
//
// # Whose fault it is
//
// A record that cannot be read, or that Temporal refuses while all is well, is
// dead-lettered: bytes untouched, and the partition goes on. Everything else
// (Temporal or Kafka unreachable, throttling, a namespace that is not set up)
// would fail for every record, so nothing is dead-lettered: the records are
// tried again for as long as it lasts, the partitions are held, and readiness
// tells. An outage is a backlog, never a flood of dead letters.
//
// # Non-obvious
//
//   - The budget counts records that were fetched and are not settled. The
//     poll asks for no more than what is left of it, so every lane can have a
//     goroutine of its own, and a backlog costs no memory.
//   - Rebalances are blocked between a poll and the registering of its records
//     with their sessions, and only then: so a partition is never revoked with
//     records underway that its session does not know, and handling, however
//     slow, never delays a rebalance by more than DrainTimeout.
//   - Every return of a poll blocks rebalances, also the one that says that
//     its context has ended: each is followed by AllowRebalance, or closing
//     hangs.
//   - Commits and revocations exclude each other. A commit that came after a
//     revocation would be accepted by the broker, and could rewind the next
//     owner.
//   - A record whose offset is not above those before tells that the log was
//     cut or made anew; its session is replaced, and only then can a commit go
//     backwards.
//   - A bucket notification has neither digest nor media type, so the bridge
//     reads the object, unless the workflow is there already: the API's own
//     uploads are notified, too. What is in the API's outbox is left to it.
//   - A dead letter is written at least once: a crash between its
//     acknowledgement and the commit writes it again.
package bridge
