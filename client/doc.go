// Package client is the Go client of orak's HTTP API. It imports the standard
// library, orak's nouns and the API's wire types only.
//
// Send uploads a file with an Idempotency-Key and repeats it after a broken
// connection, which never makes a second upload. Watch follows an upload by
// server-sent events, or by polling where the server offers none; it survives
// restarts of the server.
//
// Texts from the server are returned as they are: clean them before you print
// them to a terminal.
package client
