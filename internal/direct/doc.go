// Package direct takes recordings that apps send to the object store themselves, by
// presigned requests. It keeps the promises of an upload that the API receives: what
// stands at orak.OriginalKey is whole, verified and announced.
//
//	waiting ─┬─ whole and right ──► accepting ──► marker, copy, event ──► removed
//	         ├─ wrong ────────────► refused, until it expires
//	         └─ aborted, expired ─► aborted ────► removed
//
// A description at orak.DirectKey holds the state. Each change of it replaces the
// description that was read (If-Match), so that of a completion, an abort and an
// expiry at the same time one wins, on any number of API processes. The recording
// is at orak.IncomingKey until it is copied, so that nothing unverified is ever taken
// for an upload.
//
// A completion may end between any two steps: the sweep of any process goes on with
// it, and also completes what was sent without a call.
package direct
