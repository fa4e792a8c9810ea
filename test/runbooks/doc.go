// Package runbooks runs every command that docs/runbooks shows, with the real
// tools, on a real service, so that what an operator pastes works.
//
// docs/runbooks/README.md explains the placeholders and the environment.
package runbooks
