// Package modelserver has recordings analyzed by a model server over HTTP.
//
//	samples ─► windows with context on both sides ─► server ─► curve without the context ─► one curve
//	                                                       └─► key, tempo, embedding ─► combined
//
// It sends a recording in windows, so that the memory of the server is bounded by
// the window and not by the recording. One window is in flight while the next is
// filled. It supports two protocols: orak's own contract (docs/model-server.md),
// and the Open Inference Protocol v2 over REST with its binary extension, as in
// KServe and Triton.
//
// A request that the server refuses as busy (429, 503) is retried in place for a
// while, so that a long recording need not start over. After that the attempt fails
// with ClassOverload.
package modelserver
