// Package lag tells how far the consumer groups of Kafka are behind, and
// whether that is a backlog that shrinks or a consumer that does not move. It
// works for any group of any program: it reads what the brokers know, and
// joins nothing.
//
//	Sampler.Look ──► Board (a window of samples for each partition)
//	  commits, then ends      │
//	                          ├─► Evaluate: the status, a pure function
//	                          └─► Report ──► Monitor: metrics;  orak lag: a table
//
// # The rules
//
// A lag says little by itself: 10,000 records are nothing for a group that
// reads a million in a second, and 3 are an outage where nobody reads. So a
// partition is judged by how its samples move over a window, after the rules
// that LinkedIn's Burrow made known. The first that fits counts:
//
//	lag now ≤ allowed                                          OK
//	the commit stood still all the window, the head moved      STOP
//	the commit went back and has not come to where it was      REWIND
//	a sample of the window had a lag ≤ allowed                 OK
//	the commit stood still all the window                      STALL
//	the lag never fell in the window                           WARN
//	otherwise (behind, and catching up)                        OK
//
// A rule that says "all the window" or "never" needs samples of all the
// window; until then the status is UNKNOWN, unless what has been seen settles
// it. A group is in ERROR with a partition that is in STOP, STALL or REWIND;
// else it is what the worst of its partitions is.
//
// # Non-obvious
//
//   - Burrow reads every commit with its time. A client that asks for the
//     committed offset sees only whether it moved: a commit of the same offset
//     looks like none. So STOP and STALL differ by the head alone: new records
//     came and none was taken, or nothing new came and there is still a rest.
//   - A partition that was caught up within the window is not in STOP, however
//     old its last commit is: a quiet topic has no commits either, and one
//     record would be an alarm. Why, and why there is UNKNOWN:
//     docs/decisions/0011-lag-rules.md.
//   - A partition without a commit is counted from the start of its log, as a
//     group that begins at the earliest record reads it. Groups that begin at
//     the latest show a lag there until they commit.
//   - Commits are read before ends, so that a busy partition is never ahead of
//     itself. The lag is up to the time between the two too high.
//   - The age of the backlog is that of the first record that is not yet
//     committed, by the record's own timestamp. Kafka finds offsets by time
//     but not times by offset, so that one record is fetched; a commit that
//     has not moved costs nothing.
//   - Offsets below the log's start are records that were deleted unread:
//     Lost counts them. Nothing else in Kafka tells.
package lag
