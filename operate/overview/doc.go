// Package overview tells operators how the whole service does: what needs a person, the
// queues, the consumer groups, the topics, the outages, the reconciliations and the sinks.
// The API answers with it.
//
//	watch       consumer groups and topics, sampled while somebody asks
//	flight      everything else, computed once for the callers of a moment
//
// Every answer is bounded in time. What cannot be read is an error, or named in the
// answer's Unavailable: an empty list always means that there is nothing.
//
// # Non-obvious
//
//   - A look at the lag judges nothing: it takes a window of looks to know that a group
//     does not move. So the first answers have the status UNKNOWN, and Attention reports
//     an old backlog before it can be judged.
//   - Temporal counts a backlog by priority and not by fairness key. How many uploads of
//     a tenant are being processed comes from visibility, and has those that wait.
//   - Workers report their slots to Temporal once a minute.
package overview
