// Package architecture holds the tree to its own drawing: which folder may
// import which, where a vendor's library may live, and a few habits that no
// linter knows. It parses the files in-process, so that `go test` sees every
// change to them.
//
//	cmd, standalone ──► internal/app ──► api, bridge, worker
//	                                          │
//	                       workflows ──► activities ──► internal/* ──► events ──► orak
//
// The rules are tables in rules.go, each row with its reason. A row that is
// in the way is changed there, by a person who has read the reason; a file is
// never exempted by a comment of its own.
//
// What it does not do: type checking. It sees names and imports, so a value
// passed through an interface is invisible to it, as it should be.
package architecture
