// Package conformance tests a model server against the contract
// (docs/model-server.md) from outside, over HTTP: that it is available, finds what
// is known to be in a recording, refuses invalid requests, and keeps its limits
// under load.
//
// It needs no particular model. For a model without pitch it skips the checks of
// the pitch.
package conformance
