// Package e2e tests the whole of orak from outside: the program as a child
// process, real encoded files by HTTP, the operators' own commands, kill -9.
//
// With ORAK_E2E_KAFKA=host:port the same tests run against that broker in
// place of the embedded one; continuous integration runs them both ways.
package e2e
