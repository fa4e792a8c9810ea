// Package listen bounds the connections of a server.
//
//	accept ──► room? ──► server
//	             │ no: close the connection that has waited longest for a request
//	             └ none waits: refuse with 503
//
// Accepting continues after transient failures, such as a lack of file descriptors,
// and a stop does not wait for connections without a request in flight.
package listen
