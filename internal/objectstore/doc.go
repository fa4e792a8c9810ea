// Package objectstore keeps objects in one bucket of any S3 server.
//
// An object is either whole or absent. A body is sent through a guard, which
// withholds the last byte until the body's reader has returned io.EOF: a reader
// that ends with an error (the caller was cut off, a digest does not match)
// never leaves an object, nor does one that yields more or less than declared.
//
//	body ─► guard ─┬─ up to one part ─► one PUT from memory, retried
//	               └─ larger ─────────► multipart upload, one part in memory
//
// Memory is independent of the size of the body: a Put holds at most one part,
// and grows to it with what has arrived.
//
// Multipart uploads are implemented here, on minio-go's Core, because its
// PutObject drops If-None-Match when it completes an upload, which is where
// servers check it, and takes io.ErrUnexpectedEOF for the end of a body.
package objectstore
