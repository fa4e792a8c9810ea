// Command grafana writes orak's dashboards into dashboards/, as Grafana imports them:
//
//	go run .
//
// The files are committed, and a test holds them to this source. test/monitoring holds
// their queries to the metrics that exist.
package main
