// Package resource has the wire types of orak's HTTP API: what the server
// (package api) writes and reads, and what package client reads and writes.
// Fields, headers and problem types are only ever added.
package resource
