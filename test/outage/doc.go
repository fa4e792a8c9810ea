// Package outage holds the tests of what orak promises about outages: an
// outage is a backlog. Each dependency is cut off, stalls and damages what goes
// through it, for long against the test's own settings, while uploads arrive;
// no dead letter comes of it, one message tells of it and one of its end, and
// every upload is completed once.
package outage
