// Package examples runs the programs of examples/ and the commands of docs/api.md on the
// whole service. `go tool task test:examples` installs what they need and runs them.
package examples
