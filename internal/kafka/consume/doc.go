// Package consume is the engine of every consumer group: it reads a topic as
// one member of a group and hands each record to a handler, a function. The
// bridge is one such group; an index and a lake are others.
//
//	PollRecords ──► session of the partition ──► lane of the key ──► turns ──► Handler
//	     ▲              │ tracker                                    (budget)     │
//	     │              ▼                                                         │ done
//	     │        commit: lowest record that is not done ◄────────────────────────┘
//	     └─ paused partitions ◄── full buffer
//
// # What it promises
//
// A record is committed only after its handler returned nil, and after every
// record before it in its partition was. So delivery is at least once: after a
// crash the records behind the last commit are delivered again, and handlers
// take repeats. Records of one key are handled in order, one at a time; records
// of different keys are handled concurrently. What a handler refuses with an
// error is handled again, with growing waits, for as long as it takes: a handler
// that wants to give up on a record buries it and returns nil.
//
// # What bounds it
//
// Four bounds, and none of them lets one key, one partition or one outage take
// the place of the others:
//
//   - The in-flight budget (Config.Inflight) is how many records are handled at
//     once. Partitions take turns for it, and keys within a partition; a key has
//     one record underway, so however hot it is, it takes one place.
//   - A record that waits for a Dependency steps aside: it gives its place in the
//     budget to others, and keeps its key's turn, so that the order of a key and
//     contiguous commits hold. A record steps aside after a failed try, or at once
//     while the dependency is known to be unavailable. A partition has as many
//     such records at most as its buffer has room for; then no further record of
//     it is begun, its buffer fills, and it is paused, while the others go on.
//   - The buffer is what waits for its turn, for each partition separately: 512
//     records, or twice the budget where that is more, or 4 MiB. A partition whose
//     buffer is full is paused until half of it is worked off. So a backlog of any
//     length costs no more memory than that.
//   - A limiter for each Dependency bounds the concurrent tries, between 1 and the
//     budget (AIMD): one more for each round that went well, 0.7 of it when a try
//     is refused, times out, or takes longer than the dependency's slow limit.
//
// # Stalls
//
// A watchdog asks Kafka how far the partitions are committed, whatever the
// consumer believes of itself. Records that wait without any progress for
// Config.StallAfter are a stall: Ready fails, Deps.Stalled is called, and the log
// gets a dump of all goroutines, once for each stall.
//
// # The group
//
// Cooperative-sticky: a rebalance stops the partitions that move and no others.
// With Config.InstanceID a member keeps its partitions over a restart, and no
// rebalance happens if it is back within Config.SessionTimeout. ProtocolConsumer
// leaves the assignment to the broker (KIP-848) where it can.
//
// # Non-obvious
//
//   - Pausing a partition makes the client drop what it has fetched of it, and
//     fetch it again later: the poll position is what counts, so nothing is
//     skipped. Each poll asks for one buffer at most, and so may fill one beyond
//     its size by as much.
//   - Rebalances are blocked between a poll and the registering of its records
//     with their sessions, and only then: a partition is never revoked with
//     records underway that its session does not know, and handling, however slow,
//     never delays a rebalance by more than DrainTimeout.
//   - Every return of a poll blocks rebalances, also one whose context has ended:
//     each is followed by AllowRebalance, or closing hangs.
//   - Commits and revocations exclude each other. The broker would accept a commit
//     that came after a revocation, and could rewind the next owner.
//   - A record whose offset is not above those before it shows that the log was
//     truncated or recreated; its session is replaced, and only then can a commit
//     go backwards.
//   - A topic that was deleted and recreated has another id, and the client refuses
//     it for ever, with an error at each poll and no pause between them. So the
//     consumer makes the client forget the topic and consume the new one.
package consume
