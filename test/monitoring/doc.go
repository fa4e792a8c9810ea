// Package monitoring holds deploy/prometheus and deploy/grafana to the metrics that orak
// exports (docs/metrics.md, which internal/app holds to the code), to the runbooks, and to
// promtool (Debian's package prometheus): each alert has a test in which it fires and one
// in which it is quiet.
package monitoring
