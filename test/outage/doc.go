// Package outage tests orak's promise that an outage is a backlog. Each dependency
// is cut off, stalls and damages bytes, for long compared with the test's
// settings, while uploads arrive. There must be no dead letter, one message at
// the start and one at the end, and every upload must complete once.
package outage
