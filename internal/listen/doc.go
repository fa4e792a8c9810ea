// Package listen bounds what the connections of a server may take of its
// process.
//
//	accept ──► room? ──► server
//	             │ no: close the connection that has waited longest for a request
//	             └ none waits: refuse with 503
//
// Neither a lack of descriptors nor another passing failure ends the accepting,
// and a stop waits for no connection that has no request in flight.
package listen
