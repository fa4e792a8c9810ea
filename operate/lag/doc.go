// Package lag measures how far consumer groups of Kafka are behind, and whether
// that is a backlog that shrinks or a consumer that does not move. It works for any
// group of any program: it reads what the brokers know, and joins no group.
//
//	Sampler.Look ──► Board (a window of samples for each partition)
//	  commits, then ends      │
//	                          ├─► Evaluate: the status, a pure function
//	                          └─► Report ──► Monitor: metrics;  orak lag: a table
//
// # The rules
//
// A lag means little by itself: 10,000 records are nothing for a group that
// reads a million per second, and 3 are an outage if nothing reads them. So
// a partition is judged by how its samples move over a window, by rules like those
// of LinkedIn's Burrow. The first that applies counts:
//
//	lag now ≤ allowed                                          OK
//	the oldest record younger than the group's batches         OK
//	the commit did not move in the whole window, the end did   STOP
//	the commit went back and has not reached its old place     REWIND
//	a sample of the window had a lag ≤ allowed                 OK
//	the commit did not move in the whole window                STALL
//	the lag never fell in the window                           WARN
//	otherwise (behind, and catching up)                        OK
//
// A rule with "whole window" or "never" needs samples of the whole window; until
// then the status is UNKNOWN, unless the samples so far decide it. A group is in
// ERROR if a partition is in STOP, STALL or REWIND; otherwise it has the status of
// its worst partition.
//
// # Non-obvious
//
//   - Burrow reads every commit with its time. A client that asks for the
//     committed offset sees only whether it moved: a commit of the same offset
//     looks like none. So STOP and STALL differ only by the end: new records were
//     written and none was read, or nothing was written and a backlog remains.
//   - A partition that was caught up within the window is not in STOP, however
//     old its last commit is: a quiet topic has no commits either, and its first
//     record would raise an alarm. For that, and for UNKNOWN, see
//     docs/decisions/0011-lag-rules.md.
//   - The lag of a partition without a commit is counted from the start of its
//     log, as a group that begins at the earliest record reads it. A group that
//     begins at the latest shows a lag there until it commits.
//   - Commits are read before ends, so that a busy partition never seems ahead of
//     its end. The lag is too high by what was written between the two requests.
//   - The age of the backlog is that of the first record that is not committed, by
//     the record's timestamp. Kafka finds offsets by time but not times by offset,
//     so that one record is fetched; if the commit has not moved, it is not
//     fetched again.
//   - Offsets below the start of the log are records that were deleted unread, and
//     are counted as Lost. Kafka reports them nowhere else.
package lag
