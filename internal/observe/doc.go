// Package observe makes the service observable: logs, metrics, traces and health
// checks.
//
//	slog  ──► stderr       NewLogger
//	prometheus, OTel ──► /metrics      NewMetrics
//	OTel spans ──► OTLP over HTTP      StartTracing
//	named checks ──► /livez /readyz    NewHealth
//
// Loggers, registries and checks are passed to their users. Only the tracer
// provider and the propagator are global, since OpenTelemetry's own libraries
// look them up. An Admin serves metrics and health checks for every role.
package observe
