// Package bridge starts a workflow for every upload that Kafka announces: once
// for each, and without losing any.
//
//	PollRecords ──► session of the partition ──► lane of the key ──► turns ──► handle
//	     ▲              │ tracker     │                             (budget)     │
//	     │              ▼             │                                          ├─ start workflow upload-<id>
//	     │        commit: lowest      │                                          │  (limiter; aside while it waits)
//	     │        record not settled  ▼                                          └─ or start it parked, or dead letter
//	     └─ paused partitions ◄── full buffer
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
// dead-lettered: bytes untouched, and the partition goes on. Where it tells which
// upload it announces, that upload's workflow is started parked, and writes the
// dead letter itself; an announcement that comes after it takes its place.
//
// Everything else (Temporal or Kafka unreachable, throttling, a namespace that is
// not set up) would fail for every record, so nothing is dead-lettered: the
// records are tried again for as long as it lasts, the partitions are held, and
// readiness tells. An outage is a backlog, never a flood of dead letters.
//
// # What holds it back
//
// Four bounds, and none of them lets one key, one partition or one outage take
// the place of the others:
//
//   - The in-flight budget (--bridge-inflight) is how many records are handled
//     at once. Partitions take turns for it, and keys within a partition; a key
//     has one record underway, so however hot it is, it takes one place.
//   - What waits for a dependency (Temporal, Kafka or the store) steps aside: it
//     gives its place in the budget to others, and keeps its key's turn, so that
//     the order of a key and contiguous commits hold. A record steps aside when
//     a try has failed, or at once while the dependency is away; one that is
//     read from the store always does. A partition has as many of them at most
//     as its buffer has room for; no further record of it is begun then, its
//     buffer fills, and it is paused, while the others go on.
//   - The buffer is what waits for its turn, for each partition apart: 512
//     records, or twice the budget where that is more, or 4 MiB. A partition
//     whose buffer is full is paused until half of it is worked off; the others
//     go on being fetched. So a backlog of any length costs no more memory than
//     that, and a partition that is stuck delays nobody.
//   - A limiter for each dependency is how many records are tried with it at
//     once, between 1 and the budget (AIMD): one more for each round that went
//     well, 0.7 of it when a try is refused or times out, or when a start takes
//     longer than --bridge-slow-start.
//
// # Standing still
//
// Every so often the bridge asks Kafka how far its partitions are committed,
// whatever it believes of itself. Records that wait without any progress for
// --bridge-stall-after are a stall: readiness ends, an alert is raised, and the
// log gets a dump of all goroutines, once for each stall.
//
// # The group
//
// Cooperative-sticky: a rebalance stops the partitions that move and no others.
// With --instance-id a bridge keeps its partitions over a restart, and nobody
// rebalances at all as long as it is back within --bridge-session-timeout.
// --bridge-protocol consumer leaves the assignment to the broker (KIP-848)
// where it can.
//
// # Non-obvious
//
//   - Pausing a partition makes the client drop what it has fetched of it, and
//     fetch it again later: the poll position is what counts, so nothing is
//     passed over. Each poll asks for one buffer at most, and so may fill one
//     beyond its size by as much.
//   - The SDK repeats what Temporal refuses, for as long as the try may take. So
//     throttling shows as slow starts long before it shows as errors, and the
//     limiter counts slowness as overload.
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
//   - A topic that was deleted and made anew has another id, and the client
//     refuses it for ever, with an error at each poll and no pause between them.
//     So the bridge makes the client forget it and consume the new one.
//   - An announcement that comes again is settled without asking Temporal for
//     as long as its partition stays here, ten minutes at most. Who empties
//     Temporal under running bridges and wants the topic read again restarts
//     them (orak offsets reset asks for that anyway).
//   - A dead letter is written at least once: a crash between its
//     acknowledgement and the commit writes it again.
package bridge
