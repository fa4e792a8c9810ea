// Package edge brings storms to the built API role in a process of its own:
// senders that are slow or stop, in number. It counts the process's memory and
// descriptors and its answers, and looks at what is left in the store. The
// binary under test is named by ORAK_EDGE_BIN: `go tool task test:edge` runs the
// package for the build that is shipped (GOWORK=off), and for the workspace's.
package edge
