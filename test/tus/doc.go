// Package tus sends recordings by the tus protocol with its clients from npm,
// tus-js-client and Uppy, and with the command line, to two API processes that take
// turns, over connections that break. One of them is killed in the middle. `go tool task
// test:tus` installs the clients and runs it.
package tus
