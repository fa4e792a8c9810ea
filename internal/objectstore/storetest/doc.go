// Package storetest is the acceptance test of an object store: what api,
// activities and the outbox rely on. Every server that orak is said to work
// with, and everything that stands in for one in a test, passes it.
package storetest
