// Package check judges the Helm chart: what it renders keeps our rules, is accepted by a real
// Kubernetes API server, and scales without oscillation; what is broken is refused.
package check
