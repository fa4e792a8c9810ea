// Package conformance holds a model server to the contract (docs/model-server.md)
// from outside, over HTTP alone: that it is there, finds what is known to be in a
// recording, refuses what is none, and keeps its limits under load.
//
// It needs no particular model. Of one that gives no pitch, what is said about
// pitch is not asked.
package conformance
