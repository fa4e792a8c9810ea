// Package stack gives tests real servers: Temporal, Kafka and S3 as
// orak-standalone runs them, in a child process.
//
// They run in a child process because a test cannot hold them: the store changes
// the working directory of its process and can run only once in it, and the
// servers' dependencies do not belong in the product's go.mod.
//
//	Start    only the servers, one set for all tests of a test binary, which
//	         isolate themselves by namespace, bucket and topic name
//	StartUp  the whole service in its own process, which the test may kill and
//	         restart
//	Launch   either of them for a tool, such as a benchmark
//	StartAPI an API role on the servers, in its own process
//	Run      any other program
//
// The servers never outlive the process that started them: they end when their
// standard input is closed, which the kernel does for a process that is killed.
package stack
