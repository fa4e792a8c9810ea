// Package compose checks the files that deploy orak in containers, without a
// container engine: it reads docker-compose.yml with the parser of docker's own
// client, and checks it against rules, each with a reason. It cannot check what
// needs an engine: that an image exists, that a container starts.
package compose
