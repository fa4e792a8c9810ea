// Command orak is the whole service and its command line in one binary: the
// roles of the server (api, bridge, worker) and the commands for users and
// operators (upload, status, analysis, dlq, lag, config, version).
//
// Results go to standard output, progress and errors to standard error. With
// --json, standard output has one JSON value per line and nothing else; values
// from the API keep their form. Scripts may rely on the exit codes, which
// "orak --help" lists.
package main
