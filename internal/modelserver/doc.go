// Package modelserver has recordings analyzed by a model server over HTTP.
//
//	samples ─► windows with context on both sides ─► server ─► curve without the context ─► one curve
//	                                                       └─► key, tempo, embedding ─► agreed on
//
// A recording is sent in windows, so that what the server has in memory is
// bounded by the window and not by the recording; one window is on its way
// while the next is gathered. Two protocols are spoken: orak's own contract
// (docs/model-server.md), and the Open Inference Protocol v2 over REST with its
// binary extension, as KServe and Triton have it.
//
// A server that asks for patience (429, 503) is given some in place, so that a
// long recording need not begin anew; what it takes beyond that is waited for
// outside, as ClassOverload.
package modelserver
