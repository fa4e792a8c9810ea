// Package storetest is the acceptance test of an object store: it checks what api,
// activities and the outbox rely on. Every supported server and every test double
// passes it.
package storetest
