// Package architecture checks the structure of the tree: which folder may import
// which, where third-party libraries may be used, and a few habits that no linter
// checks. It parses the files in-process, so that `go test` sees every change
// to them.
//
//	cmd, standalone ──► internal/app ──► api, bridge, worker
//	                                          │
//	                       workflows ──► activities ──► internal/* ──► events ──► orak
//
// The rules are tables in rules.go and habits.go, each row with its reason. To change
// a rule, change its row; no comment exempts a file.
//
// It does not check types: it sees names and imports, so a value passed through an
// interface is invisible to it, as it should be.
package architecture
