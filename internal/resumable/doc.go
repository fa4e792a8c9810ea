// Package resumable receives recordings in any number of requests, whichever instance
// takes each of them. Nothing of an unfinished upload is in memory for longer than its
// request, or visible at orak.OriginalKey.
//
//	request ─► memory ─┬─ the request ends, or its share is full ─► piece: an object of its own
//	                   ├─ pieces and memory fill a part ──────────► part of a multipart upload
//	                   └─ the last byte ─► marker, recording, event: see Uploads.complete
//
// The state of an upload is one JSON object, orak.TusKey, which is replaced only in
// the version that was read (If-Match). A request that begins raises its Epoch and
// thereby excludes every earlier one, wherever it runs: what an excluded request still
// writes has its epoch in the name and is never read. There is no lock to wait for, no
// clock, and nothing to release after kill -9.
//
// Pieces are not entered in the state one by one. If a request did not end in order,
// those of its epoch are found by a listing, and each carries the state of the SHA-256
// up to its end, so that nothing is read again.
//
// Once an upload is complete its state is removed: the recording speaks for itself.
package resumable
