// Package console opens the console in a real browser, on the whole service: a person
// records, drops files, loses the network and listens; an operator comes by an alert's
// link and decides. `go tool task test:console` installs what drives the browser, and
// runs it; `go tool task console:screenshots` takes a picture of each view.
package console
