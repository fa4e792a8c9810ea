// Package bridge starts a workflow for every upload that Kafka announces: once
// for each, and without losing any.
//
//	consume ──► handle ──► route ─┬─ received ──────► start workflow upload-<id>
//	                              ├─ notification ──► read the recording, then the same
//	                              ├─ canceled ──────► ask the workflow to end
//	                              ├─ erased ────────► start workflow erase-<id>
//	                              └─ at fault ──────► start it parked, or dead letter
//
// orak/internal/kafka/consume reads the topic: order, concurrency, commits,
// back-pressure, stalls. This package says what becomes of a record.
//
// A record is done when its workflow is started (or was started before) or asked
// to end, when it is on the dead-letter topic, or when it is not for the bridge.
// Only then may the partition be committed past it. A crash before the commit
// delivers the record again, and the workflow's id, which follows from the
// upload's, prevents a second start: at-least-once delivery gives exactly one
// start, for as long as Temporal remembers closed workflows. So their retention
// must be longer than the topic's.
//
// # Whose fault it is
//
// A record that cannot be read, or that Temporal refuses while everything else
// works, is dead-lettered: bytes untouched, and the partition goes on. Where it
// names the upload that it announces, that upload's workflow is started parked,
// and writes the dead letter itself; an announcement that comes after it takes its
// place.
//
// Everything else (Temporal or Kafka unreachable, throttling, a namespace that is
// not set up) would fail for every record, so nothing is dead-lettered: the
// records are tried again for as long as it lasts, the partitions are held, and
// Ready fails. An outage is a backlog, never a flood of dead letters.
//
// # Non-obvious
//
//   - The SDK repeats what Temporal refuses, for as long as the try may take. So
//     throttling shows as slow starts long before it shows as errors, and slow
//     starts count as overload.
//   - A bucket notification has neither digest nor media type, so the bridge
//     reads the object, unless the workflow exists already: the API's own uploads
//     are notified, too. What is in the API's outbox is left to it.
//   - An announcement that comes again is done without asking Temporal for as long
//     as its partition stays here, ten minutes at most. If you empty Temporal while
//     bridges run, restart them so that they read the topic again (orak offsets
//     reset asks for that anyway).
//   - Starts are logged together, with their number; each of them only at debug.
//     When an upload was started is what Temporal shows for upload-<id>.
//   - A dead letter is written at least once: a crash between its
//     acknowledgement and the commit writes it again.
package bridge
