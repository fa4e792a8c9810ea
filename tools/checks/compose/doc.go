// Package compose checks the files that deploy orak in containers, without a
// container engine: docker-compose.yml is read with the parser that docker's
// own client uses, and held to rules with a reason each. What only an engine
// can tell (that an image exists, that a container starts) it cannot.
package compose
