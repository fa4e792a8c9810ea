// Package objectstore keeps objects in one bucket of any S3 server.
//
// It is built so that an object is either whole or absent. A body is handed
// to the server behind a guard which keeps the last byte back until the
// body's reader has said io.EOF: a reader that ends with an error (a caller
// that was cut off, a digest that does not match) can never leave an object,
// nor can one that gives more or less than was announced.
//
//	body ─► guard ─┬─ up to 1 MiB ──────────► one PUT from memory, retried
//	               ├─ length known, 128 MiB ─► one PUT, streamed
//	               └─ anything else ────────► multipart, one part in memory
//
// Memory is flat in the size of the body: a Put holds at most one part, and
// the parts of all Puts together are bounded. Since a slow sender holds its
// part for long, bodies whose length is known do without one.
//
// The multipart dance is our own, over minio-go's Core, because its PutObject
// drops If-None-Match when it completes, where the servers check it, and
// takes io.ErrUnexpectedEOF for an end.
package objectstore
