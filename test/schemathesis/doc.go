// Package schemathesis sends requests that are made from the contract of the API, valid
// and invalid ones, to the whole service: none may be answered with 5xx, or otherwise
// than api/openapi.yaml says. `go tool task test:schemathesis` installs Schemathesis
// and runs it.
package schemathesis
