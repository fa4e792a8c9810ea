// Package stack gives tests real servers: Temporal, Kafka and S3 as
// orak-standalone runs them, in a child process.
//
// They are in a child because they cannot be in a test: the store changes the
// working directory of its process, there can be one of it in each, and the
// servers' dependencies have no place in the product's go.mod.
//
//	Start    the servers alone, one set for all the tests of a test binary,
//	         which isolate themselves by namespace, bucket and topic name
//	StartUp  the whole service in a process of its own, which the test may
//	         kill and start again
//
// A child never outlives its test binary: it ends when its standard input is
// closed, which the kernel does for a binary that panics or is killed.
package stack
