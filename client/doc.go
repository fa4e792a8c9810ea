// Package client speaks orak's HTTP API for Go programs; the command line is
// made of it.
//
// An upload is sent with an Idempotency-Key, so that sending it again after a
// cut connection can never make a second one: Upload does so by itself. Watch
// follows an upload by server-sent events, and by asking again where those
// cannot be had; it survives restarts of the server, since the upload does
// too.
//
// Nothing that the server sends is made safe for terminals here: whoever
// prints it does that.
package client
