// Package runbooks runs every command that docs/runbooks shows, with the real
// tools, on a real service: an operator pastes what they read there at a bad
// hour, and it works.
//
// The placeholders, and what else the documents may rely on, are told in
// docs/runbooks/README.md.
package runbooks
