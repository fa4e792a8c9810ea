// Package edge sends many slow and stalled uploads to the built API role in its
// own process. It measures the process's memory, descriptors and answers, and
// checks what is left in the store. ORAK_EDGE_BIN names the binary under test: `go tool task test:edge` runs the
// package for the build that is shipped (GOWORK=off).
package edge
