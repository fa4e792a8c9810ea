// Command orak is the whole service and its command line in one binary: the
// server's roles (api, bridge, worker), and the commands of those who use and
// operate it (upload, status, analysis, dlq, lag, config, version).
//
// People read standard output and standard error at a terminal: results go to
// the former, progress and errors to the latter. With --json, standard output
// has one JSON value a line, of the API's shape where it is the API's, and
// nothing else.
//
// Exit codes are promises that scripts build on:
//
//	0    done
//	1    failed, or refused by the server
//	2    the command line or the configuration is wrong
//	3    the watched upload ended without a result: dead-lettered, discarded,
//	     expired or canceled
//	4    the server cannot be reached
//	5    a consumer group is in ERROR (orak lag)
//	130  interrupted
package main
