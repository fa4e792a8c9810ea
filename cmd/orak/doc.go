// Command orak is the whole service and its command line in one binary: the
// roles of the server (api, bridge, worker) and the commands for users and
// operators (upload, status, analysis, dlq, lag, config, version).
//
// Results go to standard output, progress and errors to standard error. With
// --json, standard output has one JSON value per line and nothing else; values
// from the API keep their form.
//
// Scripts may rely on the exit codes:
//
//	0    done
//	1    failed or refused
//	2    the command line or the configuration is wrong
//	3    the watched upload ended without a result: dead-lettered, discarded,
//	     expired or canceled
//	4    the server cannot be reached
//	5    a consumer group is in ERROR (orak lag)
//	130  interrupted
package main
